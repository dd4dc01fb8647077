"""Builds the machine image into the cache: Debian packages once, and what makes a machine of them on top."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from sandbox import host
from sandbox.errors import SandboxError
from sandbox.image import packages
from sandbox.image.adaptations import adaptation_files
from sandbox.image.facts import Facts, detect
from sandbox.paths import cache_dir

Say = Callable[[str], None]

_TREE = Path(__file__).parent / "tree"
_NEEDED_BYTES = 2 * 2**30

_MASKED_UNITS = (
    # Devices and modules are the host's.
    "systemd-udevd.service", "systemd-udevd-control.socket", "systemd-udevd-kernel.socket",
    "systemd-udev-trigger.service", "systemd-udev-settle.service", "systemd-modules-load.service",
    "kmod-static-nodes.service", "systemd-pstore.service",
    "systemd-journald-audit.socket", "dev-hugepages.mount", "sys-kernel-config.mount", "sys-kernel-debug.mount",
    "sys-kernel-tracing.mount", "sys-fs-fuse-connections.mount", "proc-sys-fs-binfmt_misc.automount",
    "systemd-binfmt.service", "systemd-random-seed.service", "systemd-rfkill.socket",
    # The address is set before the first process starts.
    "systemd-networkd.service", "systemd-networkd.socket", "systemd-networkd-wait-online.service", "networking.service",
    # No terminal, no disk of its own.
    "getty@tty1.service", "console-getty.service", "getty.target", "e2scrub_reap.service", "e2scrub_all.timer",
    "fstrim.timer", "cloud-init-hotplugd.socket",
)  # fmt: skip

_LEFT_OUT = (
    "etc/ssh/ssh_host_*", "etc/apt/sources.list.d/*", "etc/hostname", "var/lib/dbus/machine-id",
    "var/lib/cloud/*", "var/log/*.log", "var/log/apt", "var/cache/apt/*.bin", "var/lib/apt/lists/*", "run/*", "tmp/*",
)  # fmt: skip
"""What no two machines may share, and what only the build needed."""


class ImageError(SandboxError):
    """The image could not be built; the message says what to do."""


def ensure(say: Say = print) -> Path:
    """The image's root directory, built where the cache lacks it. Raises ImageError and host.HostError."""
    facts = detect()
    base, image = _places(facts)
    if (image / "rootfs").is_dir():
        say(f"machine image: {image} is there")
        return image / "rootfs"
    host.require_root()
    cache_dir().mkdir(parents=True, exist_ok=True)
    if not base.is_dir():
        _require_space(cache_dir())
        say(f"machine image: 1 of 2: installing Debian 12 and {_package_count()} packages; about a minute …")
        started = time.monotonic()
        _into_place(base, _install_packages)
        say(f"machine image: 1 of 2: took {time.monotonic() - started:.0f} s")
    if not facts.plain:
        say(f"machine image: adapted to this host: {', '.join(sorted(adaptation_files(facts)))}")
    started = time.monotonic()
    _into_place(image, lambda work: _make_machine(base, work, facts))
    say(f"machine image: 2 of 2: {image} made in {time.monotonic() - started:.1f} s")
    return image / "rootfs"


def current() -> tuple[Path, Path]:
    """Where this checkout's packages and image are in the cache, whether built yet or not."""
    return _places(detect())


def _places(facts: Facts) -> tuple[Path, Path]:
    return cache_dir() / f"image-packages-{_packages_digest()}", cache_dir() / f"image-{_image_digest(facts)}"


def package_beside(rootfs: Path, name: str) -> Path:
    """The file of one of Debian's packages that are kept beside an image that `ensure` gave, not installed in it."""
    found = sorted((rootfs.parent / "packages").glob(f"{name}_*.deb"))
    if not found:
        raise ImageError(f"no {name} package beside {rootfs}; remove {rootfs.parent} and run this again")
    return found[-1]


def _into_place(target: Path, make: Callable[[Path], None]) -> None:
    """Makes a directory beside its place and moves it there, so that what is in place is complete."""
    work = Path(tempfile.mkdtemp(prefix=f"{target.name}.partial-", dir=target.parent))
    try:
        work.chmod(0o755)
        make(work)
        work.rename(target)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _install_packages(work: Path) -> None:
    rootfs = work / "rootfs"
    sources = work / "sources.list"
    lines = packages.source_lines(_host_index_targets())
    sources.write_text("\n".join(lines) + "\n")
    beside = " ".join(packages.NOT_INSTALLED)
    # From outside: in the tree, /etc/resolv.conf leads to what systemd-resolved writes where it runs.
    hook = f'cd "$1/opt" && APT_CONFIG="$MMDEBSTRAP_APT_CONFIG" apt-get -qq download {beside}'
    command = [
        "mmdebstrap", "--variant=minbase", "--mode=root", "--format=directory",
        f"--include={','.join((*packages.AS_ON_EC2, *packages.FOR_NODES))}",
        "--dpkgopt=force-unsafe-io",
        "--dpkgopt=path-exclude=/usr/share/man/*", "--dpkgopt=path-exclude=/usr/share/locale/*",
        "--dpkgopt=path-exclude=/usr/share/doc/*", "--dpkgopt=path-include=/usr/share/doc/*/copyright",
        f"--customize-hook={hook}",
        *_host_proxy_options(),
        packages.SUITE, str(rootfs), *([str(sources)] if lines else []),
    ]  # fmt: skip
    outcome = subprocess.run(command, capture_output=True, text=True, env=dict(os.environ, LC_ALL="C.UTF-8"))
    if outcome.returncode:
        last = "\n".join(outcome.stderr.strip().splitlines()[-8:])
        raise ImageError(
            f"mmdebstrap could not install Debian {packages.SUITE} ({outcome.returncode}). "
            f"Check that `apt-get update` works on this host.\n{last}"
        )
    (work / "packages").mkdir()
    for package in (rootfs / "opt").glob("*.deb"):
        package.rename(work / "packages" / package.name)


def _make_machine(base: Path, work: Path, facts: Facts) -> None:
    # Hard links: nothing below is written in place, only unlinked and made anew.
    subprocess.run(["cp", "--archive", "--link", str(base / "rootfs"), str(base / "packages"), str(work)], check=True)
    rootfs = work / "rootfs"
    for pattern in _LEFT_OUT:
        for path in rootfs.glob(pattern):
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    for source in sorted(path for path in _TREE.rglob("*") if path.is_file()):
        target = rootfs / source.relative_to(_TREE)
        _replace(target, source.read_bytes(), 0o755 if source.parent.name == "sbin" else 0o644)
    if facts.kernel_config.startswith("/boot/"):
        # kubeadm looks for it there; the kernel is the host's.
        _replace(rootfs / facts.kernel_config.lstrip("/"), Path(facts.kernel_config).read_bytes())
    for name, content in adaptation_files(facts).items():
        _replace(rootfs / name.lstrip("/"), content.encode())
    listed = "\n".join(sorted((*packages.AS_ON_EC2, *packages.FOR_NODES))) + "\n"
    _replace(rootfs / "etc/quorate/image-packages", listed.encode())
    # An empty file is filled at the first boot, each machine its own; a missing one would also apply unit presets.
    _replace(rootfs / "etc/machine-id", b"", 0o444)
    _replace(rootfs / "etc/fstab", b"")
    # As Debian's cloud images have it: the servers that systemd-resolved knows, not its stub.
    _link(rootfs / "etc/resolv.conf", "/run/systemd/resolve/resolv.conf")
    for unit in _MASKED_UNITS:
        _link(rootfs / "etc/systemd/system" / unit, "/dev/null")


def _replace(target: Path, content: bytes, mode: int = 0o644) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    target.unlink(missing_ok=True)
    target.write_bytes(content)
    target.chmod(mode)


def _link(place: Path, target: str) -> None:
    place.unlink(missing_ok=True)
    place.symlink_to(target)


def _packages_digest() -> str:
    said = repr((packages.SUITE, packages.AS_ON_EC2, packages.FOR_NODES, packages.NOT_INSTALLED))
    return hashlib.sha256(said.encode()).hexdigest()[:12]


def _image_digest(facts: Facts) -> str:
    digest = hashlib.sha256(repr((_packages_digest(), _MASKED_UNITS, _LEFT_OUT, facts)).encode())
    digest.update(repr(sorted(adaptation_files(facts).items())).encode())
    for file in sorted(path for path in _TREE.rglob("*") if path.is_file()):
        digest.update(str(file.relative_to(_TREE)).encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:12]


def _package_count() -> int:
    return len(packages.AS_ON_EC2) + len(packages.FOR_NODES)


def _require_space(folder: Path) -> None:
    free = shutil.disk_usage(folder).free
    if free < _NEEDED_BYTES:
        raise ImageError(
            f"{folder}: {free / 2**30:.1f} GiB free, {_NEEDED_BYTES / 2**30:.0f} GiB are needed; "
            "make room, or set QUORATE_CACHE to a folder on a larger disk"
        )


def _host_index_targets() -> str:
    command = ["apt-get", "indextargets", "--format", "$(SITE) $(RELEASE) $(COMPONENT)", "Created-By: Packages"]
    outcome = subprocess.run(command, capture_output=True, text=True)
    return outcome.stdout if outcome.returncode == 0 else ""


def _host_proxy_options() -> list[str]:
    """The host's apt proxy, which the bootstrap tool does not read by itself."""
    command = ["apt-config", "dump", "Acquire::http::Proxy"]
    outcome = subprocess.run(command, capture_output=True, text=True)
    return [f"--aptopt={line}" for line in outcome.stdout.splitlines() if line.endswith('";') and ' "";' not in line]
