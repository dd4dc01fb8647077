"""Snapshots by their operator's commands, on the one machine of `education`, with what an account and a disk may do."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterator

import pytest

from tests.cluster.account import account_client
from tests.cluster.conftest import UP, Workspace, made_workspace
from tests.cluster.on_machines import on_machine

pytestmark = [pytest.mark.cluster, pytest.mark.drill]

_ID = re.compile(r"^(\d{8}T\d{6}Z-control-plane-0) ", re.MULTILINE)
_FILLER = "/var/lib/etcd/filler"


@pytest.fixture(scope="module")
def education(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    with made_workspace(tmp_path_factory, "education") as workspace:
        workspace.set("backups", "enabled", True)
        workspace.pulumi(*UP)
        yield workspace


def backups(of: Workspace, *words: str) -> tuple[int, str]:
    """How `backups` ends, and all that it says."""
    outcome = of.operation("backups", *words)
    print(outcome.stdout, outcome.stderr)
    return outcome.returncode, outcome.stdout + outcome.stderr


def taken(of: Workspace) -> str:
    """The id of one that is taken now."""
    code, said = backups(of, "now")
    assert code == 0, said
    return str(_ID.findall(said)[-1])


def bucket(of: Workspace) -> str:
    exported = json.loads(of.pulumi("stack", "output", "--json", "--stack", of.stack).stdout)
    return str(exported["snapshots"]["bucket"])


def test_one_is_taken_listed_proven_again_and_seen_by_status(education: Workspace) -> None:
    id = taken(education)
    code, said = backups(education, "list")
    assert code == 0, said
    assert said.splitlines()[-1].endswith("fine")
    assert id in _ID.findall(said)
    code, said = backups(education, "verify", id)
    assert code == 0, said
    status = education.operation("status")
    assert status.returncode == 0, status.stdout + status.stderr
    assert "the last snapshot of etcd was begun" in status.stdout


def test_one_that_is_not_there_is_refused_before_a_machine_is_asked(education: Workspace) -> None:
    code, said = backups(education, "verify", "20200101T000000Z-control-plane-0")
    assert code == 1
    assert "there is no snapshot 20200101T000000Z-control-plane-0 in the bucket" in said


def test_one_whose_bytes_are_not_those_of_its_manifest_is_told_and_never_restored(education: Workspace) -> None:
    """As S3 would have it after an administrator's mistake: the object is deleted, and another is in its place."""
    id, name = taken(education), bucket(education)
    s3 = account_client(education.environment, "s3")
    listed = s3.list_objects_v2(Bucket=name)["Contents"]
    key = next(each["Key"] for each in listed if each["Key"].endswith(f"{id}/etcd.db"))
    whole = s3.get_object(Bucket=name, Key=key)["Body"].read()
    s3.delete_object(Bucket=name, Key=key)
    code, said = backups(education, "list")
    assert f"{id}" in said
    assert "does not count: its etcd.db is gone" in said
    torn = whole[:-4096] + bytes(4096)
    s3.put_object(Bucket=name, Key=key, Body=torn, IfNoneMatch="*")
    code, said = backups(education, "verify", id)
    assert code == 1
    assert "SHA-256" in said
    refused = education.operation("restore", "--yes", "education", "--snapshot", id)
    print(refused.stdout, refused.stderr)
    assert refused.returncode == 1
    assert "SHA-256" in refused.stdout + refused.stderr
    # The API was never stopped, and what was begun is given up.
    undone = education.operation("restore", "--undo", "--yes", "education")
    print(undone.stdout, undone.stderr)
    assert undone.returncode == 0, undone.stderr
    assert education.kubectl("get", "--raw", "/readyz") == "ok"
    assert education.operation("status").returncode == 0


def test_who_may_not_read_the_bucket_is_told_so(education: Workspace) -> None:
    nobody = {**education.environment, "AWS_ACCESS_KEY_ID": "AKIAQUORATENOBODY000", "AWS_SECRET_ACCESS_KEY": "x" * 40}
    code, said = backups(dataclasses.replace(education, environment=nobody), "list")
    assert code == 1
    assert "error: " in said
    assert "Traceback" not in said


def test_a_disk_that_is_full_is_told_by_now_list_and_status_and_the_next_one_is_taken(education: Workspace) -> None:
    on_machine("sh", "-c", f"fallocate -l $(($(stat -f -c %a*%S /var/lib/etcd) - 64000000)) {_FILLER}")
    try:
        code, said = backups(education, "now")
        assert code == 1
        assert "room" in said or "free" in said
        status = education.operation("status")
        assert status.returncode == 1
        assert "problem: control-plane-0: /var/lib/etcd is nearly full" in status.stdout
        assert "its last snapshot failed at" in status.stdout
    finally:
        on_machine("rm", "-f", _FILLER)
    taken(education)
    status = education.operation("status")
    assert status.returncode == 0, status.stdout
    assert "its last snapshot failed" not in status.stdout
