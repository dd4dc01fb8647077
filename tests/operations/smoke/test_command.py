"""The command line against stand-ins for `aws`, `pulumi` and `ssh`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from operations.cli import main
from operations.errors import NotAnswered
from operations.remote.aws import Aws
from operations.remote.outputs import outputs
from operations.smoke.machine import Machine
from tests.components.settings.stack_files import CHECKOUT
from tests.operations.programs import program
from tests.operations.smoke.recorded import FACTS, PLAN

NOBODY = '\nUnable to locate credentials. You can configure credentials by running "aws configure".\n'


@pytest.fixture(autouse=True)
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH with nothing on it but what a test puts there, and the shell's own."""
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def smoke(capsys: pytest.CaptureFixture[str], *more: str) -> tuple[int, str, str]:
    code = main(["aws-smoke", "--stack", "prod", "--stacks", str(CHECKOUT / "stacks"), *more])
    printed = capsys.readouterr()
    return code, printed.out, printed.err


def test_without_credentials_it_ends_with_a_sentence(programs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    program(programs, "aws", complaint=NOBODY, status=253)
    for more in ((), ("--watch", "5")):
        code, out, err = smoke(capsys, *more)
        assert (code, out) == (1, "")
        assert err.startswith("error: AWS can't be asked anything: `aws sts get-caller-identity`: Unable to locate")
        assert "Traceback" not in err


def test_without_the_command_line_of_aws_it_ends_with_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = smoke(capsys)
    assert code == 1
    assert "there is no `aws` on the PATH" in err


def test_a_stack_that_is_not_there_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["aws-smoke", "--stack", "none", "--stacks", str(CHECKOUT / "stacks")]) == 1
    assert "there is no stack 'none'" in capsys.readouterr().err


def test_an_account_that_answers_in_other_forms_gets_a_line_for_each_question(
    programs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    program(programs, "aws", json.dumps({"Arn": "arn:aws:iam::123456789012:user/a"}))
    code, out, err = smoke(capsys)
    first, *lines = out.splitlines()
    assert (code, err) == (0, "")
    assert first == "stack prod, region eu-central-1, asked as arn:aws:iam::123456789012:user/a"
    assert len(lines) > 12
    assert [line for line in lines if ": not asked: " not in line] == []


def test_a_refusal_has_awss_code_and_last_words(programs: Path) -> None:
    said = (
        "\nAn error occurred (UnauthorizedOperation) when calling the DescribeVpcs operation: You are not authorized\n"
    )
    program(programs, "aws", complaint=said, status=254)
    with pytest.raises(NotAnswered, match=r"`aws ec2 describe-vpcs`: .* You are not authorized") as refused:
        Aws("eu-central-1")("ec2", "describe-vpcs")
    assert refused.value.code == "UnauthorizedOperation"
    assert (programs / "aws.calls").read_text() == "ec2 describe-vpcs --output json --region eu-central-1\n"


def test_a_machine_is_asked_with_the_stacks_key_which_does_not_stay(programs: Path) -> None:
    exported = {
        "machines": {"control-plane-0": "10.20.32.10", "bastion": "198.51.100.4"},
        "sshPrivateKey": "KEY\n", "sshKnownHosts": "10.20.32.10 ssh-ed25519 AAAA\n",
    }  # fmt: skip
    program(programs, "ssh", json.dumps(FACTS))
    assert Machine(PLAN, lambda: exported).facts("control-plane-0", "6443", "15") == FACTS
    call = (programs / "ssh.calls").read_text()
    assert "admin@10.20.32.10 sudo -n -- python3 - 6443 15" in call
    key = Path(call.split()[1])
    assert not key.exists()
    with pytest.raises(NotAnswered, match="the stack is not up"):
        Machine(PLAN, dict).facts("control-plane-0")


def test_a_stack_that_pulumi_does_not_know_is_no_failure_of_the_others(programs: Path) -> None:
    with pytest.raises(NotAnswered, match="there is no `pulumi` on the PATH"):
        outputs("prod")
    program(programs, "pulumi", complaint="error: no stack named 'prod' found\n", status=255)
    with pytest.raises(NotAnswered, match="no stack named 'prod' found"):
        outputs("prod")
