"""A container runtime's store with all images unpacked: machines get it as links, and none unpacks its own."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from sandbox.errors import SandboxError
from sandbox.internet.oci import MANIFEST_TYPE
from sandbox.toolchain.build import binary

Say = Callable[[str], None]

_NAMESPACE = "k8s.io"
_START_SECONDS = 30
_CONFIGURATION = """version = 3
disabled_plugins = ["io.containerd.cri.v1.images", "io.containerd.cri.v1.runtime", "io.containerd.grpc.v1.cri"]
"""


class StoreError(SandboxError):
    """The store could not be made; the message has what the runtime said."""


def store_of(site: Path) -> Path:
    """Where the store of a site's images is in the cache, made or not."""
    return site.with_name(f"store-{site.name.rpartition('-')[2]}")


def ensure(site: Path, say: Say) -> Path:
    """The store of a site's images, made where the cache lacks it. Needs root."""
    store = store_of(site)
    if store.is_dir():
        return store
    started = time.monotonic()
    work = Path(tempfile.mkdtemp(prefix=f"{store.name}.partial-", dir=store.parent))
    # Sockets lie in here, and their paths are short: not in the cache, however deep that is.
    with tempfile.TemporaryDirectory(prefix="quorate-store-") as running:
        try:
            _fill(site, work, Path(running))
            work.chmod(0o711)
            work.rename(store)
        finally:
            shutil.rmtree(work, ignore_errors=True)
    say(f"images: unpacked once for all machines in {time.monotonic() - started:.0f} s")
    return store


def references(site: Path) -> Iterator[tuple[str, Path]]:
    """Each image that the site serves, HOST/NAME:TAG, and the file of its manifest."""
    for manifest in sorted(site.glob("*/v2/**/manifests/*")):
        if ":" not in manifest.name:
            repository = manifest.parent.parent.relative_to(site)
            host, _, *name = repository.parts
            yield f"{'/'.join((host, *name))}:{manifest.name}", manifest


def write_archive(site: Path, target: Path) -> None:
    """Writes all images of a site as one archive of the OCI image layout, each blob once."""
    index, written = [], set[str]()
    with tarfile.open(target, "w") as archive:
        _add(archive, "oci-layout", b'{"imageLayoutVersion": "1.0.0"}')
        for reference, file in references(site):
            content = file.read_bytes()
            manifest = json.loads(content)
            digest = next(other.name for other in file.parent.glob("sha256:*") if other.samefile(file))
            index.append(
                {"mediaType": MANIFEST_TYPE, "digest": digest, "size": len(content),
                 "annotations": {"io.containerd.image.name": reference}}
            )  # fmt: skip
            blobs = {part["digest"]: file.parent.parent / "blobs" / part["digest"]
                     for part in (manifest["config"], *manifest["layers"])}  # fmt: skip
            for name, path in {**blobs, digest: file}.items():
                if name not in written:
                    written.add(name)
                    archive.add(path, f"blobs/{name.replace(':', '/')}")
        _add(archive, "index.json", json.dumps({"schemaVersion": 2, "manifests": index}).encode())


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    item = tarfile.TarInfo(name)
    item.size = len(content)
    archive.addfile(item, io.BytesIO(content))


def _fill(site: Path, root: Path, running: Path) -> None:
    archive = root.with_name(f"{root.name}.tar")
    configuration, socket = running / "config.toml", running / "socket"
    configuration.write_text(_CONFIGURATION)
    control = [str(binary("containerd", "ctr")), "--address", str(socket), "--namespace", _NAMESPACE]
    # Of its mounts nothing is to be seen outside, and nothing is left when it ends.
    daemon = ["unshare", "--mount", "--propagation", "private", str(binary("containerd", "containerd"))]
    options = ["--config", str(configuration), "--root", str(root), "--state", str(running / "state")]
    with (running / "log").open("w+") as log:
        process = subprocess.Popen([*daemon, *options, "--address", str(socket)], stdout=log, stderr=log)
        try:
            write_archive(site, archive)
            _wait_until_it_answers(process, [*control, "version"], running / "log")
            outcome = subprocess.run([*control, "images", "import", str(archive)], capture_output=True, text=True)
            if outcome.returncode:
                raise StoreError(f"containerd could not unpack the images:\n{outcome.stderr.strip()}")
        finally:
            process.terminate()
            process.wait()
            archive.unlink(missing_ok=True)
    for file in root.rglob("uuid"):
        # Each machine's runtime is one of its own.
        file.unlink()


def _wait_until_it_answers(process: subprocess.Popen[bytes], question: list[str], log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while (outcome := subprocess.run(question, capture_output=True, text=True)).returncode:
        if process.poll() is not None or time.monotonic() > deadline:
            tail = "\n".join(log.read_text(errors="replace").splitlines()[-8:])
            raise StoreError(f"containerd did not start: {outcome.stderr.strip()}\n{tail}")
        time.sleep(0.1)
