"""What of Debian is in the machine image, and where the packages come from (pure)."""

from __future__ import annotations

SUITE = "bookworm"
SUITES = (SUITE, f"{SUITE}-updates", f"{SUITE}-security")

AS_ON_EC2 = (
    "systemd", "systemd-sysv", "libpam-systemd", "systemd-timesyncd", "dbus", "cloud-init", "openssh-server", "sudo",
    "ca-certificates", "curl", "gpg", "less", "bash-completion", "iproute2", "iputils-ping", "bind9-host", "procps",
    "kmod", "e2fsprogs", "netbase", "lsb-release", "systemd-resolved", "libnss-myhostname", "unattended-upgrades",
)  # fmt: skip
"""What Debian's own EC2 images hold of what the node scripts and their readers use."""

FOR_NODES = (
    "conntrack", "ebtables", "ethtool", "iptables", "jq", "libseccomp2", "nftables", "socat",
)  # fmt: skip
"""What on AWS comes from a Debian mirror when the node scripts install Kubernetes; no mirror is served here."""

RUNTIME = "runc"
FOR_CALICO = ("ipset", "libipset13", "runit")
NOT_INSTALLED = (RUNTIME, *FOR_CALICO)
"""Downloaded beside the image: containerd's package carries the runtime, and Calico's node image the others."""


def source_lines(index_targets: str) -> list[str]:
    """Sources of the suites, from the host's own: lines of `SITE RELEASE COMPONENT`.

    Empty where the host's sources are not of this suite; the bootstrap tool then takes Debian's own.
    """
    sites: dict[str, str] = {}
    for line in index_targets.splitlines():
        site, release, component = line.split()
        if component == "main":
            sites.setdefault(release, site)
    if SUITE not in sites:
        return []
    return [f"deb {sites[suite]} {suite} main" for suite in SUITES if suite in sites]
