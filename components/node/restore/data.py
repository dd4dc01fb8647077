"""etcd's data on its disk: the snapshot restored beside it, the old data set aside under another name, and back again.

Each step is complete or begins again; data that was there is renamed, never deleted. Names by the restore's id:
  restore-ID/               what is being made: etcd.db, and `data` once that is whole
  data.before-restore-ID    what was there before
  data.undone-restore-ID    what had been restored, where it was undone
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from components.node.common import log
from components.node.common.failure import Failure
from components.node.common.programs import run
from components.node.etcd.client import peer_url
from components.node.etcd.cluster_mark import DISK
from components.node.etcd.snapshot.programs import Programs

_BEFORE = "data.before-restore-"
# Several GiB from a slow disk.
_SECONDS = 1800


@dataclass(frozen=True)
class NewMember:
    """As whom a member begins. `members` are all of the cluster's, name to address; `token` is the new cluster's."""

    name: str
    members: Mapping[str, str]
    token: str
    bump: int

    @property
    def arguments(self) -> Sequence[str]:
        """As etcdutl takes them."""
        cluster = ",".join(f"{name}={peer_url(address)}" for name, address in sorted(self.members.items()))
        return [
            f"--name={self.name}",
            f"--initial-cluster={cluster}",
            f"--initial-cluster-token={self.token}",
            f"--initial-advertise-peer-urls={peer_url(self.members[self.name])}",
            # Clients that watch from an older revision hear so, and list all again; none of them waits for a revision
            # that it has seen before.
            f"--bump-revision={self.bump}",
            "--mark-compacted",
        ]


@dataclass(frozen=True)
class RestoredData:
    """`owner` is whom etcd runs as, USER:GROUP; "" for root."""

    id: str
    owner: str = ""
    disk: Path = DISK

    @property
    def data(self) -> Path:
        return self.disk / "data"

    @property
    def before(self) -> Path:
        return self.disk / f"{_BEFORE}{self.id}"

    @property
    def undone(self) -> Path:
        return self.disk / f"data.undone-restore-{self.id}"

    @property
    def work(self) -> Path:
        return self.disk / f"restore-{self.id}"

    @property
    def restored(self) -> Path:
        return self.work / "data"

    @property
    def is_prepared(self) -> bool:
        """Whether the restored data is there, in place or about to be."""
        return self.before.exists() or self.restored.exists()

    def prepare(
        self, member: NewMember, fetch: Callable[[Path], None], programs: Programs, options: Sequence[str] = ()
    ) -> None:
        """Restores what `fetch` writes to the path that it is given, while etcd may still run. Raises Failure."""
        if self.is_prepared:
            log.report("the snapshot is restored beside the data already")
            return
        shutil.rmtree(self.work, ignore_errors=True)
        self.work.mkdir(mode=0o700)
        file, unfinished = self.work / "etcd.db", self.work / "unfinished"
        fetch(file)
        log.report("restoring the snapshot beside the data")
        command = [programs.etcdutl, "snapshot", "restore", str(file), f"--data-dir={unfinished}"]
        run([*command, *member.arguments, *options], seconds=_SECONDS)
        if self.owner:
            run(["chown", "--recursive", self.owner, str(unfinished)], seconds=300)
        unfinished.chmod(0o700)
        unfinished.rename(self.restored)
        file.unlink(missing_ok=True)
        log.report("the snapshot is restored beside the data")

    def take(self) -> None:
        """Puts the restored data in the place of the old; etcd does not run. Raises Failure."""
        if not self.is_prepared:
            raise Failure(f"{self.restored} is not there: the snapshot was not restored on this machine yet")
        if not self.before.exists():
            self._set_aside(self.data, self.before)
        if self.restored.exists():
            if self.data.exists():
                raise Failure(
                    f"{self.data} and {self.restored} are both there, and the data of before is in {self.before}: "
                    f"something made {self.data} meanwhile. Rename it, then call the restore again"
                )
            self.restored.rename(self.data)
        if not self.data.exists():
            raise Failure(f"{self.data} is gone: go back with `python -m operations restore --undo`")
        log.report(f"the restored data is in place; what was there before is in {self.before}")

    def put_back(self) -> bool:
        """Puts the data of before in its place again; etcd does not run. Whether there was any."""
        if self.before.exists():
            if self.data.exists():
                self._set_aside(self.data, self.undone)
            self.before.rename(self.data)
            log.report(f"the data of before is in place again; what had been restored is in {self.undone}")
        return (self.data / "member").is_dir()

    def clear(self) -> None:
        """Removes what was made for the restore, and is not in use. Raises Failure."""
        try:
            shutil.rmtree(self.work)
        except FileNotFoundError:
            pass
        except OSError as error:
            raise Failure(f"{self.work} can't be removed ({error}): remove it by hand, it holds etcd's data") from error

    def _set_aside(self, path: Path, aside: Path) -> None:
        if aside.exists():
            raise Failure(f"{aside} is there already, from another time: rename it, then call the restore again")
        if path.exists():
            path.rename(aside)
        else:
            # There was nothing, which the next run must know.
            aside.mkdir(mode=0o700)


def set_aside_by(disk: Path = DISK) -> Mapping[str, bool]:
    """The ids of restores whose data of before is still on the disk, the newest last, and whether there was any."""
    return {path.name.removeprefix(_BEFORE): (path / "member").is_dir() for path in sorted(disk.glob(f"{_BEFORE}*"))}
