"""Builds into the cache what machines download, as `ROOT/HOST/PATH`."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from itertools import combinations
from pathlib import Path

from sandbox import host, image
from sandbox.errors import SandboxError
from sandbox.image.build import package_beside
from sandbox.image.packages import FOR_CALICO, NOT_INSTALLED, RUNTIME
from sandbox.internet import apt_repository, deb, image_store, oci
from sandbox.internet.calico import calico_images
from sandbox.internet.deb import Package
from sandbox.internet.debian_files import unpacked_over
from sandbox.internet.images import base_entries, images, unexplained
from sandbox.internet.packages import docker_packages, kubernetes_packages
from sandbox.internet.releases import write_etcd_release
from sandbox.internet.signing import SigningKey
from sandbox.paths import cache_dir
from sandbox.toolchain.build import bin_dir, build_all, missing_tools, tool_named

Say = Callable[[str], None]

_ALWAYS = frozenset(("kubernetes", "etcd", "containerd", "coredns", "cni", "agnhost", "cri-tools"))
_PARTS = (("flannel", "flannel-cni"), ("calico",), ("metrics-server",), ("containerd-previous",))
"""Tools that a site may go without, and what then goes without them too."""
_ALL = _ALWAYS.union(*_PARTS)
_NOT_CONTENT = ("site.py", "registry.py", "substitutions.py", "__init__.py")
_NEEDED_BYTES = 4 * 2**30


class SiteError(SandboxError):
    """What machines download could not be made; the message says what to do."""


def ensure(say: Say = print, tools: Iterable[str] = _ALL) -> Path:
    """The root directory of a site with what is made of these tools and of those that every site has.

    Built where the cache lacks it, after image and tools where those are missing; a site that has more will do.
    """
    tree = image.ensure(lambda line: None if line.endswith("is there") else say(line))
    wanted = _ALWAYS | (_ALL & set(tools))
    if missing_tools(wanted):
        build_all(say, sorted(wanted))
    built = [_place(tree, other) for other in _variants() if other >= wanted]
    site = next((place for place in built if place.is_dir()), _place(tree, wanted))
    if site.is_dir():
        say(f"packages and images: {site} is there")
        image_store.ensure(site, say)
        return site
    host.require_root()
    free = shutil.disk_usage(cache_dir()).free
    if free < _NEEDED_BYTES:
        raise SiteError(
            f"{cache_dir()}: {free / 2**30:.1f} GiB free, {_NEEDED_BYTES / 2**30:.0f} GiB are needed; make room"
        )
    started = time.monotonic()
    work = Path(tempfile.mkdtemp(prefix=f"{site.name}.partial-", dir=cache_dir()))
    try:
        work.chmod(0o755)
        _write_repositories(work, tree, wanted, say)
        say(f"releases: {write_etcd_release(work).name}")
        _write_images(work, tree, wanted, say)
        work.rename(site)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    say(f"packages and images: {site} made in {time.monotonic() - started:.0f} s")
    image_store.ensure(site, say)
    return site


def current() -> tuple[Path, ...]:
    """Where this checkout's sites and their images' stores may be in the cache; none before the image they need."""
    tree = image.current()[1] / "rootfs"
    sites = [_place(tree, tools) for tools in _variants()] if tree.is_dir() else []
    return (*sites, *map(image_store.store_of, sites))


def _variants() -> list[frozenset[str]]:
    """Every choice of tools that a site can be made of, the smallest first."""
    chosen = [parts for number in range(len(_PARTS) + 1) for parts in combinations(_PARTS, number)]
    return [_ALWAYS.union(*parts) for parts in chosen]


def _place(tree: Path, tools: Collection[str]) -> Path:
    debian = [package_beside(tree, name).name for name in NOT_INSTALLED]
    return cache_dir() / f"internet-{_digest(sorted(tools), debian)}"


def _write_repositories(site: Path, tree: Path, tools: Collection[str], say: Say) -> None:
    minor = ".".join(tool_named("kubernetes").version.split(".")[:2])
    kubernetes = site / f"pkgs.k8s.io/core:/stable:/v{minor}/deb"
    docker = site / "download.docker.com/linux/debian"
    with SigningKey("sandbox of pkgs.k8s.io <kubernetes@quorate.invalid>") as key:
        _build_packages(kubernetes_packages(), kubernetes / deb.ARCHITECTURE, say)
        apt_repository.write_flat(kubernetes, key, f"kubernetes v{minor}")
    with SigningKey("sandbox of download.docker.com <docker@quorate.invalid>") as key:
        pool = docker / "dists/bookworm/pool/stable" / deb.ARCHITECTURE
        _build_packages(docker_packages(package_beside(tree, RUNTIME), tools), pool, say)
        apt_repository.write_suite(docker, "bookworm", "stable", key, "Docker")
        (docker / "gpg").write_bytes(key.public())


def _build_packages(packages: Iterable[Package], folder: Path, say: Say) -> None:
    for package in packages:
        say(f"packages: {package.name} {package.version}")
        deb.build(package, folder)


def _write_images(site: Path, tree: Path, tools: Collection[str], say: Say) -> None:
    source = _module_source("kubernetes")
    agnhost_tag = (source / "test/images/agnhost/VERSION").read_text().strip()
    with tempfile.TemporaryDirectory(dir=site) as work:
        pause = _compile_pause(source, Path(work) / "pause")
        made = images(tree, pause, agnhost_tag, tools)
        if "calico" in tools:
            with_parts = unpacked_over(tree, [package_beside(tree, name) for name in FOR_CALICO], Path(work))
            made += calico_images(with_parts, _module_source("calico"), base_entries(tree))
        if late := unexplained(made):
            raise SiteError(
                f"{', '.join(late)}: what would be served is older. Build that version, or say in WHAT_CHANGED of "
                "sandbox/internet/images.py what lies between"
            )
        for built in made:
            say(f"images: {', '.join(built.references)}")
            oci.publish(built, site)


def _module_source(name: str) -> Path:
    """The sources of a tool's module, in Go's module cache."""
    tool = tool_named(name)
    command = ["go", "mod", "download", "-json", f"{tool.version_module}@v{tool.pinned}"]
    if shutil.which("go") is None:
        raise SiteError(f"no `go` on PATH: images hold files of {tool.version_module}; install Go 1.26 or newer")
    outcome = subprocess.run(command, cwd=tool.source, capture_output=True, text=True)
    if outcome.returncode:
        raise SiteError(f"`{' '.join(command)}` failed: {(outcome.stderr or outcome.stdout).strip()}")
    return Path(json.loads(outcome.stdout)["Dir"])


def _compile_pause(source: Path, result: Path) -> Path:
    code = source / "build/pause/linux/pause.c"
    command = ["gcc", "-Os", "-static", "-s", "-DVERSION=sandbox", "-o", str(result), str(code)]
    outcome = subprocess.run(command, capture_output=True, text=True)
    if outcome.returncode:
        raise SiteError(f"gcc could not compile {code}:\n{outcome.stderr.strip()}")
    return result


def _digest(tools: Iterable[str], debian: Sequence[str]) -> str:
    """Names the content: the tools and Debian packages that are in it, and the code that puts them there."""
    digest = hashlib.sha256(repr(([bin_dir(name).name for name in tools], list(debian))).encode())
    here = Path(__file__).parent
    for file in sorted(path for path in here.rglob("*") if path.is_file() and "__pycache__" not in path.parts):
        if file.name not in _NOT_CONTENT:
            digest.update(str(file.relative_to(here)).encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:12]
