"""The command line, with programs that stand in for `aws` and `pulumi`, and machines' commands run here."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from components.node.etcd.snapshot.fetch import read_offer
from components.node.etcd.snapshot.manifest import Manifest
from operations.backups import command
from operations.cli import main
from tests.components.settings.stack_files import CHECKOUT
from tests.operations.backups.recorded import HOUR, NOON, folder, listed, manifest, outcome
from tests.operations.programs import machines_here, program, script

URL = "https://b.s3.eu-central-1.amazonaws.com/k?X-Amz-Expires=900&X-Amz-Signature=0123456789abcdef"
REGION = "eu-central-1"
ADDRESSES = {
    "control-plane-0": "10.20.32.10", "etcd-0": "10.20.32.20", "etcd-1": "10.20.64.20", "etcd-2": "10.20.96.20",
    "bastion": "198.51.100.4",
}  # fmt: skip
EXPORTED: dict[str, Any] = {
    "machines": ADDRESSES, "sshPrivateKey": "KEY\n", "sshKnownHosts": "known\n",
    "snapshots": {"bucket": "quorate-prod-2026", "key": "arn:aws:kms:eu-central-1:1:key/0a", "region": "eu-central-1"},
}  # fmt: skip


@dataclass
class Stand:
    """What the operator's programs answer. `refusals` are what `aws` complains of, by the beginnings of its calls."""

    folder: Path
    refusals: dict[str, str] = field(default_factory=dict)
    url: str = URL

    def exports(self, exported: Mapping[str, Any]) -> None:
        program(self.folder, "pulumi", json.dumps(exported))

    def has(self, *found: Manifest, beside: tuple[dict[str, Any], ...] = ()) -> None:
        objects = [*listed(*found), *beside]
        (self.folder / "listing").write_text(json.dumps({"Contents": objects} if objects else {}))
        for one in found:
            here = self.folder / "bucket" / folder(one)
            here.mkdir(parents=True)
            (here / "manifest.json").write_text(one.text())
        self.answers()

    def refuses(self, call: str, complaint: str) -> None:
        self.refusals[call] = complaint
        self.answers()

    def answers(self) -> None:
        copies = "'s3 cp s3://quorate-prod-2026/ '*' --recursive --exclude * --include */manifest.json'*"
        home = f"--endpoint-url https://s3.{REGION}.amazonaws.com --region {REGION}"
        cases = [f"'{call}'*) echo '{said}' >&2; exit 254;;" for call, said in self.refusals.items()]
        script(
            self.folder,
            "aws",
            f"""printf '%s\\n' "$*" >>{self.folder}/aws.calls
case "$*" in
{chr(10).join(cases)}
'sts get-caller-identity'*) echo '{{"Arn": "arn:aws:iam::123456789012:user/a"}}';;
's3api list-objects-v2 --bucket quorate-prod-2026 --output json --region eu-central-1') cat {self.folder}/listing;;
{copies}) cp -r {self.folder}/bucket/. "$4";;
's3 presign s3://quorate-prod-2026/'*'/etcd.db --expires-in 900 {home}') echo '{self.url}';;
*) echo "not expected: $*" >&2; exit 9;;
esac
""",
        )

    def machine(self, text: str) -> None:
        """What quorate-node is on machines: bash, with the machine's address as QUORATE_MACHINE."""
        script(self.folder, "quorate-node", text)

    def calls(self, name: str) -> list[str]:
        here = self.folder / f"{name}.calls"
        return here.read_text().splitlines() if here.exists() else []


@pytest.fixture
def stand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stand:
    (tmp_path / "bucket").mkdir()
    found = Stand(tmp_path)
    machines_here(tmp_path)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(command, "PROGRAM", str(tmp_path / "quorate-node"))
    monkeypatch.setattr(command, "OUTCOME", tmp_path / "snapshot.json")
    found.exports(EXPORTED)
    found.has()
    return found


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[int, str, str]]:
    def called(*words: str, now: int = NOON + HOUR, stack: str = "prod") -> tuple[int, str, str]:
        monkeypatch.setattr("operations.backups.command.time.time", lambda: now)
        code = main(["backups", "--stack", stack, "--stacks", str(CHECKOUT / "stacks"), *words])
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return called


Run = Callable[..., tuple[int, str, str]]
LAST = manifest(NOON, "etcd-0", "daily")


def test_without_a_word_and_with_list_it_lists_and_touches_no_machine(stand: Stand, run: Run) -> None:
    stand.has(manifest(NOON - 6 * HOUR, "etcd-1"), LAST)
    for words in ((), ("list",)):
        code, out, err = run(*words)
        first, head, newest, older, last = out.splitlines()
        assert (code, err) == (0, "")
        assert first == (
            "stack prod, bucket quorate-prod-2026 in eu-central-1, read as arn:aws:iam::123456789012:user/a"
        )
        assert head.startswith("ID ")
        assert newest.startswith("20261130T120000Z-etcd-0  daily  1 h 0 min")
        assert older.startswith("20261130T060000Z-etcd-1  all ")
        assert last == "as of 2026-11-30 13:00 UTC: fine"
    assert stand.calls("ssh") == []


def test_an_overdue_one_is_a_problem_and_machines_are_asked_why(stand: Stand, run: Run) -> None:
    stand.has(LAST)
    (stand.folder / "snapshot.json").write_text(outcome(LAST, NOON + 6 * HOUR, "S3 refused: KMS.DisabledException"))
    code, out, _ = run(now=NOON + 8 * HOUR)
    assert code == 1
    assert "problem: the next one is overdue: " in out
    for name in ("etcd-0", "etcd-1", "etcd-2"):
        assert f"{name}: its last attempt failed at 2026-11-30T18:00:00Z: S3 refused: KMS.DisabledException" in out
    assert out.endswith("take one now: python -m operations backups --stack prod now\n")


def test_a_machine_that_can_not_say_why_is_named_too(stand: Stand, run: Run) -> None:
    code, out, _ = run()
    assert code == 1
    assert "problem: no snapshot counts yet" in out
    assert "etcd-1: no attempt has failed since its last success; see /var/log/quorate/take-snapshot.log" in out
    (stand.folder / "snapshot.json").write_text("{")
    assert "etcd-1: " in (said := run()[1])
    assert "can't be read; run take-snapshot --now there" in said
    program(stand.folder, "ssh", complaint="Connection timed out\n", status=255)
    assert "etcd-2 (10.20.96.20" in run()[1]


def test_a_failure_before_the_last_success_is_none(stand: Stand, run: Run) -> None:
    (stand.folder / "snapshot.json").write_text(outcome(LAST, NOON - HOUR, "long gone"))
    assert "long gone" not in run()[1]


@pytest.mark.parametrize(
    ("call", "complaint", "told"),
    [
        (
            "s3api list-objects-v2",
            "An error occurred (NoSuchBucket) when calling the ListObjectsV2 operation: The bucket does not exist",
            "does not exist. The bucket is gone, and its snapshots with it: pulumi refresh and pulumi up make another",
        ),
        (
            "s3api list-objects-v2",
            "An error occurred (AccessDenied) when calling the ListObjectsV2 operation: Access Denied",
            "Access Denied. Who reads snapshots must be allowed s3:ListBucket and s3:GetObject in the bucket",
        ),
        (
            "s3 cp",
            "download failed: s3://b/k to x An error occurred (KMS.DisabledException) when calling the operation",
            "Enable the bucket",
        ),
        ("s3api list-objects-v2", "Could not connect to the endpoint URL", "Could not connect to the endpoint URL"),
    ],
)  # fmt: skip
def test_a_bucket_that_can_not_be_read_is_told_with_what_to_do(
    call: str, complaint: str, told: str, stand: Stand, run: Run
) -> None:
    stand.has(LAST)
    stand.refuses(call, complaint)
    for words in ((), ("verify", LAST.id)):
        code, _, err = run(*words)
        assert code == 1
        assert err.startswith("error: the bucket quorate-prod-2026 can't be read: `aws s3")
        assert told in err
        assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("exported", "told"),
    [
        ({}, "the stack is not up: run `pulumi up` first"),
        ({"machines": ADDRESSES}, "backups.enabled is set, and the stack has no bucket yet: run `pulumi up`"),
    ],
)
def test_a_stack_without_a_bucket_says_why(exported: dict[str, Any], told: str, stand: Stand, run: Run) -> None:
    stand.exports(exported)
    for words in ((), ("now",), ("verify",)):
        assert run(*words) == (1, "", f"error: {told}\n")
    assert stand.calls("aws") == stand.calls("ssh") == []


def test_a_stack_that_takes_none_says_how_it_would(stand: Stand, run: Run) -> None:
    stand.exports({"machines": ADDRESSES})
    assert (
        run(stack="education")[2] == "error: this stack takes no snapshots: set backups.enabled and run `pulumi up`\n"
    )


def test_a_stack_that_pulumi_does_not_know_and_an_account_without_a_caller_are_told(stand: Stand, run: Run) -> None:
    stand.refuses("sts", "Unable to locate credentials")
    assert run()[2].startswith("error: AWS can't be asked anything: `aws sts get-caller-identity`: Unable to locate")
    program(stand.folder, "pulumi", complaint="error: no stack named prod found\n", status=255)
    assert "no stack named prod found" in run()[2]


def test_one_is_taken_on_the_first_machine_that_answers_and_shown(stand: Stand, run: Run) -> None:
    here = stand.folder / "ssh"
    here.write_text(
        here.read_text().replace("QUORATE_MACHINE=", "[[ $address == *.32.20 ]] && exit 255\nQUORATE_MACHINE=", 1)
    )
    taken = manifest(NOON + HOUR, "etcd-1")
    (stand.folder / "taken").write_text(outcome(taken))
    stand.machine(f'echo "copying on $QUORATE_MACHINE: $*"; cp {stand.folder}/taken {stand.folder}/snapshot.json\n')
    code, out, err = run("now")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0] == "stack prod, bucket quorate-prod-2026 in eu-central-1"
    assert lines[1] == "etcd-1: copying on 10.20.64.20: take-snapshot --now"
    assert lines[-1].startswith("20261130T130000Z-etcd-1  all    0 min")
    assert stand.calls("aws") == [], "who may not read the bucket may still have one taken"


def test_one_that_fails_says_why_and_no_other_machine_tries(stand: Stand, run: Run) -> None:
    stand.machine("echo 'take-snapshot FAILED on etcd-0: alarm NOSPACE'; exit 1\n")
    code, _, err = run("now")
    assert code == 1
    assert (
        "etcd-0: `quorate-node take-snapshot --now` ended with 1: take-snapshot FAILED on etcd-0: alarm NOSPACE" in err
    )
    assert len(stand.calls("ssh")) == 2


def test_a_machine_that_has_noted_nothing_usable_is_told(stand: Stand, run: Run) -> None:
    stand.machine("exit 0\n")
    assert "etcd-0 has taken one, but" in run("now")[2]


def test_where_no_machine_answers_each_is_named(stand: Stand, run: Run) -> None:
    program(stand.folder, "ssh", complaint="Connection timed out\n", status=255)
    code, _, err = run("now")
    assert code == 1
    assert err.count("can't be reached by SSH") == 3


@pytest.mark.parametrize("words", [("verify",), ("verify", "latest"), ("verify", LAST.id)])
def test_one_is_verified_by_an_address_that_nobody_sees(words: tuple[str, ...], stand: Stand, run: Run) -> None:
    stand.has(manifest(NOON - 6 * HOUR, "etcd-1"), LAST)
    stand.machine(f'cat >{stand.folder}/given; echo "$1: it is whole"\n')
    code, out, err = run(*words)
    assert (code, err) == (0, "")
    assert "etcd-0: verify-snapshot: it is whole" in out
    offer = read_offer((stand.folder / "given").read_text())
    assert (offer.url, offer.manifest) == (URL, LAST)
    (signed,) = [call for call in stand.calls("aws") if call.startswith("s3 presign")]
    assert signed.startswith(f"s3 presign s3://quorate-prod-2026/{folder(LAST)}/etcd.db --expires-in 900 ")
    for text in (out, *stand.calls("ssh"), *stand.calls("aws")):
        assert "Signature" not in text


def test_one_that_is_not_whole_ends_with_the_machines_reason(stand: Stand, run: Run) -> None:
    stand.has(LAST)
    stand.machine("cat >/dev/null; echo 'verify-snapshot FAILED on etcd-0: it has 5 keys'; exit 1\n")
    code, _, err = run("verify")
    assert code == 1
    assert "FAILED on etcd-0: it has 5 keys" in err


def test_a_machine_with_an_earlier_release_is_told_from_a_snapshot_that_is_not_whole(stand: Stand, run: Run) -> None:
    stand.has(LAST)
    stand.machine("echo 'usage: quorate-node STEP' >&2; exit 2\n")
    code, _, err = run("verify")
    assert (code, err) == (
        1,
        "error: etcd-0 has an earlier release of the program, without `verify-snapshot`: run `pulumi up` first\n",
    )


def test_one_that_is_not_there_or_does_not_count_reaches_no_machine(stand: Stand, run: Run) -> None:
    stand.has(LAST, beside=({"Key": "all/20261130T180000Z-etcd-2/etcd.db", "Size": 1},))
    assert "there is no snapshot 2025" in run("verify", "2025")[2]
    assert "does not count: it has no manifest" in run("verify", "20261130T180000Z-etcd-2")[2]
    assert stand.calls("ssh") == []


def test_an_address_that_is_signed_in_the_old_way_is_not_used(stand: Stand, run: Run) -> None:
    stand.url = "https://b.s3.amazonaws.com/k?AWSAccessKeyId=A&Signature=b"
    stand.has(LAST)
    assert "install version 2 of AWS's command line" in run("verify")[2]
    stand.refuses("s3 presign", "Unable to locate credentials")
    assert "can't be read: `aws s3 presign`: Unable to locate credentials" in run("verify")[2]
