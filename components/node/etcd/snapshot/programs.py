"""Where etcd's own programs are, in the version that the member runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

# The one package beside the standard library: cloud-init needs it, so every machine has it.
import yaml

from components.node.common import log
from components.node.common.failure import Failure
from components.node.common.programs import run

MANIFEST = Path("/etc/kubernetes/manifests/etcd.yaml")
# Neither /run nor etcd's own disk lets programs run; what is mounted here brings its own permission.
MOUNT_POINT = Path("/run/quorate/etcd-image")
_IMAGES = ("ctr", "--namespace", "k8s.io", "images")


@dataclass(frozen=True)
class Programs:
    """Names or paths."""

    etcd: str = "etcd"
    etcdutl: str = "etcdutl"


@contextmanager
def programs_of_image(manifest: Path = MANIFEST, mount_point: Path = MOUNT_POINT) -> Iterator[Programs]:
    """Those of the image that this machine's static pod of etcd runs, while the block runs."""
    image = _image(manifest)
    # Also where a restart took the folder: containerd knows the mount by its name for an hour more.
    _unmount(mount_point)
    mount_point.mkdir(parents=True, exist_ok=True)
    try:
        run([*_IMAGES, "mount", image, str(mount_point)], seconds=120)
        folder = mount_point / "usr/local/bin"
        yield Programs(str(folder / "etcd"), str(folder / "etcdutl"))
    finally:
        try:
            unmount(mount_point)
        except Failure as failure:
            log.report(f"the image of etcd stays mounted on {mount_point} until the next run: {failure}")


def unmount(mount_point: Path = MOUNT_POINT) -> None:
    """Also what a run that was killed has left."""
    if mount_point.exists():
        _unmount(mount_point)
        mount_point.rmdir()


def _unmount(mount_point: Path) -> None:
    run([*_IMAGES, "unmount", "--rm", str(mount_point)], seconds=60)


def _image(manifest: Path) -> str:
    try:
        pod = yaml.safe_load(manifest.read_text())
        return str(pod["spec"]["containers"][0]["image"])
    except (OSError, yaml.YAMLError, KeyError, IndexError, TypeError) as error:
        why = " ".join(str(error).split())
        raise Failure(
            f"{manifest} does not say which image etcd runs ({why}); run pulumi up, which writes it"
        ) from error
