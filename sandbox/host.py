"""What the sandbox needs of the host: root, Debian packages, kernel limits."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

from sandbox.errors import SandboxError

Say = Callable[[str], None]

_PACKAGES: Mapping[str, tuple[str, ...]] = {
    "apt-utils": ("apt-ftparchive",),
    "debian-archive-keyring": ("/usr/share/keyrings/debian-archive-keyring.gpg",),
    "e2fsprogs": ("mkfs.ext4",),
    "gcc": ("gcc",),
    "gpg": ("gpg",),
    "gpg-agent": ("gpg-agent",),
    "iproute2": ("ip",),
    "kmod": ("modprobe",),
    "libc6-dev": ("/usr/include/stdlib.h",),
    "mmdebstrap": ("mmdebstrap",),
    "mount": ("losetup",),
    "nftables": ("nft",),
    "openssh-client": ("ssh", "ssh-keygen"),
    "openssl": ("openssl",),
    "procps": ("sysctl",),
    "runc": ("runc",),
    "util-linux": ("nsenter",),
    "zstd": ("zstd",),
}
"""Debian packages, and the commands or files by which each is known to be there."""

_LIMITS: Mapping[str, int] = {"fs.inotify.max_user_instances": 8192, "fs.inotify.max_user_watches": 1048576}
"""Least values: a kubelet, containerd and systemd per machine share one user's limits on the host."""

_KERNEL_MODULES = ("overlay", "br_netfilter", "vxlan", "nf_conntrack", "loop")


class HostError(SandboxError):
    """Something is missing on the host; the message says what, and what to do."""


def require_root() -> None:
    """Raises HostError where this is not root: namespaces, mounts and packages need it."""
    if os.geteuid() != 0:
        raise HostError(
            "the sandbox makes network namespaces, mounts and containers, and that needs root; "
            "run the same command with sudo (`sudo -E` keeps QUORATE_CACHE and QUORATE_STATE)"
        )


def missing_packages(found: Callable[[str], bool] | None = None) -> list[str]:
    """Debian packages that the sandbox uses and that are missing on the host."""
    is_there = found or _found
    return sorted(name for name, signs in _PACKAGES.items() if not all(is_there(sign) for sign in signs))


def ensure_packages(say: Say) -> None:
    """Installs what is missing by apt-get. Raises HostError."""
    missing = missing_packages()
    if not missing:
        return
    if shutil.which("apt-get") is None:
        raise HostError(
            f"missing on this host: {', '.join(missing)}; there is no apt-get here (use Debian 12 or Ubuntu)"
        )
    require_root()
    say(f"host: installing Debian packages: {', '.join(missing)}")
    apt_get("update")
    apt_get("install", "--no-install-recommends", "--yes", *missing)
    still = missing_packages()
    if still:
        raise HostError(f"apt-get installed {', '.join(missing)}, but {', '.join(still)} can't be found")


def raise_limits(state: Path, say: Say) -> None:
    """Raises kernel limits that are too low and loads kernel modules; old values are kept in `state`.

    Modules stay loaded afterwards: others may use them by then.
    """
    require_root()
    for module in _KERNEL_MODULES:
        subprocess.run(["modprobe", "--quiet", module], stderr=subprocess.DEVNULL)
    changed = {}
    for key, least in _LIMITS.items():
        current = int(_sysctl_file(key).read_text())
        if current < least:
            _sysctl_file(key).write_text(str(least))
            changed[key] = current
            say(f"host: {key} raised from {current} to {least}; `down` restores it")
    if changed:
        kept = _kept_limits(state)
        earlier: dict[str, int] = json.loads(kept.read_text()) if kept.exists() else {}
        kept.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        kept.write_text(json.dumps(changed | earlier))


def restore_limits(state: Path, say: Say) -> None:
    """Puts back what `raise_limits` changed, unless someone else has changed it since."""
    kept = _kept_limits(state)
    if not kept.exists():
        return
    for key, before in json.loads(kept.read_text()).items():
        if int(_sysctl_file(key).read_text()) == _LIMITS.get(key):
            _sysctl_file(key).write_text(str(before))
            say(f"host: {key} is {before} again")
    kept.unlink()


def bounding_set(status: str) -> int:
    """The capabilities that a process can hand on, as the bit mask in the text of its /proc/PID/status."""
    return next(int(line.split()[1], 16) for line in status.splitlines() if line.startswith("CapBnd:"))


def _kept_limits(state: Path) -> Path:
    return state / "host-limits.json"


def _sysctl_file(key: str) -> Path:
    return Path("/proc/sys") / key.replace(".", "/")


def _found(sign: str) -> bool:
    return Path(sign).exists() if sign.startswith("/") else shutil.which(sign) is not None


def apt_get(*arguments: str) -> None:
    """Raises HostError with the end of what it said."""
    environment = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    command = ["apt-get", "-qq", "-o", "DPkg::Lock::Timeout=300", *arguments]
    outcome = subprocess.run(command, env=environment, capture_output=True, text=True)
    if outcome.returncode:
        last = "\n".join((outcome.stderr or outcome.stdout).strip().splitlines()[-6:])
        raise HostError(f"`{' '.join(command)}` failed ({outcome.returncode}):\n{last}")
