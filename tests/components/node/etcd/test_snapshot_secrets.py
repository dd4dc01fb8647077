"""What nobody may see of a snapshot while it is taken."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from components.node.common.failure import Failure
from components.node.etcd.snapshot import take
from components.node.etcd.snapshot.take import take_snapshot
from tests.components.node.aws_services import SECRETS, s3_refusal
from tests.components.node.etcd.gateway import Authority
from tests.components.node.etcd.snapshot_world import PLAIN, World


def test_nothing_secret_is_in_logs_command_lines_or_the_manifest(
    world: World, authority: Authority, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    take_snapshot(world.sources[0])
    world.aws.refusals.append(s3_refusal(403, "SignatureDoesNotMatch", " ".join(SECRETS[:2])))
    with pytest.raises(Failure) as refused:
        take_snapshot(world.sources[0], now=True)
    (manifest,) = world.manifests
    logs = "".join(path.read_text() for path in (tmp_path / "logs").glob("*.log"))
    seen = "\n".join([capsys.readouterr().out, str(refused.value), logs, *world.programs.calls, json.dumps(manifest)])
    seen += world.sources[0].outcome.read_text()
    assert "(hidden)" in seen
    key = (authority.folder / "member.key").read_text().splitlines()[1]
    assert not [secret for secret in (*SECRETS, PLAIN, "sealed", key) if secret in seen]


def test_the_copy_is_for_nobody_else(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    modes = []
    monkeypatch.setattr(take, "restore", lambda programs, file, data: modes.append(file.parent.stat().st_mode & 0o777))
    take_snapshot(world.sources[0])
    assert modes == [0o700]
