"""The comment that a reviewer reads."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from components.delivery.bundle_writer import write_bundle
from components.node.common.bundle import BundledFile
from operations.cli import main
from operations.preview.budget import LIMIT
from operations.preview.comment import comment, marker
from operations.preview.digest import read_preview
from operations.preview.review import review
from policies.exemptions import EXEMPT, IN_USE
from tests.operations.preview.digests import COMMAND, INSTANCE, VOLUME, Digest, rollout
from tests.operations.stacks import EDUCATION, PROD, settings

RECORDED = Path(__file__).parent / "recorded"
OLD = settings(PROD)
NEW = settings(
    PROD,
    controlPlane={"instanceType": "m7i.2xlarge", "apiServerArguments": {"v": "2"}},
    etcd={"volumeGib": 40},
    kubelet={"maxPods": 60},
)


def bundle_of(path: str, content: str) -> str:
    return write_bundle((BundledFile(path, content),))


def made(digest: Digest, events: list[str] | None = None) -> str:
    return comment(review(digest.stack, read_preview(digest.text(), events or ())))


def test_a_change_of_nine_machines_is_reported_in_a_minutes_reading() -> None:
    text = made(rollout("prod", OLD, NEW, in_turn=True))
    assert len(text.encode()) < LIMIT / 4
    assert text.startswith(marker("prod") + "\n## 🟡 `prod`: pauses machines; the API stays up\n")
    assert "| `controlPlane.instanceType` | m7i.xlarge | m7i.2xlarge |" in text
    assert "+maxPods: 60" in text
    assert "on control-plane-0, control-plane-1, control-plane-2</summary>" in text
    assert text.count("+maxPods: 60") == 1, "machines whose lines change alike stand together"
    assert re.search(r"\*\*Cost per month\*\*: [0-9,.]+ → [0-9,.]+ USD, \*\*\+[0-9,.]+\*\*", text)


def test_snapshots_are_reported_by_what_can_be_lost_and_by_what_they_cost() -> None:
    with_snapshots = settings(PROD, backups={"enabled": True, "intervalHours": 1})
    text = made(Digest("prod", OLD, with_snapshots))
    (line,) = [line for line in text.splitlines() if "**Can be lost" in line]
    assert line == (
        "- **Can be lost with etcd's data**: before, all that etcd holds, as no snapshots are taken. "
        "After, at most 73 minutes of changes; the last snapshot has all before."
    )
    assert "| their key (KMS key) | 0.00 | 1.00 | +1.00 |" in text
    assert "**Can be lost" not in made(Digest("prod", with_snapshots, with_snapshots))


def test_what_holds_state_comes_before_everything_else() -> None:
    text = made(rollout("prod", OLD, NEW, in_turn=True))
    assert text.index("### Disks, buckets and keys") < text.index("### Resources") < text.index("### Lines that change")
    assert text.index("prod-etcd-0-etcd") < text.index("prod-control-plane-0-configure` Command")


def two_hundred() -> Digest:
    """Two hundred machines, each with long changes of its own: worse than the program can declare."""
    digest = Digest("prod", OLD, OLD)
    for number in range(200):
        name = f"prod-control-plane-{number}"
        texts = [
            bundle_of(f"/etc/quorate/{number}.yaml", "".join(f"{which} {number} {n}\n" for n in range(100)))
            for which in ("before", "after")
        ]
        digest.add(INSTANCE, f"{name}-instance", "replace", {"ami": "a"}, {"ami": "b"}, replaceReasons=["ami"])
        digest.add(VOLUME, f"{name}-etcd", "update", {"size": 8}, {"size": 9})
        digest.add(COMMAND, f"{name}-configure", "update", {"stdin": texts[0]}, {"stdin": texts[1]})
    return digest


def test_two_hundred_machines_stay_below_githubs_limit_and_say_what_is_left_out() -> None:
    text = made(two_hundred())
    assert len(text.encode()) <= LIMIT
    assert "more lines: see the full text" in text
    assert text.count("<details>") == text.count("</details>")
    assert text.count("```") % 2 == 0
    assert "160 more changes of files" in text


def test_a_thousand_files_that_change_differently_do_not_break_the_limit() -> None:
    digest = Digest("prod", OLD, OLD)
    for number in range(1000):
        texts = [bundle_of(f"/etc/quorate/{number}.yaml", f"{which}\n") for which in ("before", "after")]
        digest.add(COMMAND, f"prod-thing-{number}", "update", {"stdin": texts[0]}, {"stdin": texts[1]})
    text = made(digest)
    assert len(text.encode()) <= LIMIT
    assert re.search(r"9[0-9]{2} more changes of files", text)


def test_the_full_text_leaves_nothing_out() -> None:
    text = comment(review("prod", read_preview(two_hundred().text())), 100 * LIMIT)
    assert "more lines: see" not in text
    assert "+after 199 99" in text


def test_a_comment_on_nothing_is_short() -> None:
    text = made(rollout("prod", OLD, OLD, in_turn=True))
    assert "✅ `prod`: changes nothing" in text
    assert len(text.splitlines()) < 15


def test_no_secret_of_a_recorded_preview_reaches_the_comment() -> None:
    for file in RECORDED.glob("*.json"):
        text = comment(review("education", read_preview(file.read_text())))
        assert "[secret]" not in text
        assert "PRIVATE KEY" not in text


def test_a_file_with_a_fence_in_it_does_not_break_out() -> None:
    texts = [bundle_of("/etc/quorate/x.md", f"{word}\n```\n</details>\n") for word in ("old", "new")]
    digest = Digest("prod", OLD, OLD)
    digest.add(COMMAND, "prod-control-plane-0-configure", "update", {"stdin": texts[0]}, {"stdin": texts[1]})
    assert "\n````diff\n" in made(digest)


def test_what_the_cluster_survives_is_compared_where_it_changes() -> None:
    text = made(rollout("prod", OLD, settings(PROD, network={"zones": 2}), in_turn=True))
    assert "**Survives**: before, the loss of 1 of 3 etcd members" in text
    assert re.search(r"\| \*\*a zone is cut off\*\* \| \*\*stays up\*\* \| \*\*stops\*\* \|", text)


def test_broken_rules_are_listed_mandatory_ones_first() -> None:
    def event(level: str, name: str) -> str:
        said = {"message": f"{name} says", "policyName": name, "policyPackName": "q", "enforcementLevel": level}
        return json.dumps({"policyEvent": said})

    text = made(Digest("prod", OLD, OLD), [event("advisory", "cheap"), event("mandatory", "safe")])
    assert "🛑 `prod`: a policy forbids it" in text
    assert "1 mandatory and 1 advisory rules are broken" in text
    assert text.index("| mandatory | `safe`") < text.index("| advisory | `cheap`")


def test_machines_that_change_alike_stand_together_though_the_lines_around_differ() -> None:
    digest = Digest("prod", OLD, OLD)
    for number in range(3):
        texts = [bundle_of("/etc/quorate/etcd.env", f"IP=10.0.0.{number}\nBEAT={n}\n") for n in (100, 200)]
        digest.add(COMMAND, f"prod-etcd-{number}-configure", "update", {"stdin": texts[0]}, {"stdin": texts[1]})
    text = made(digest)
    assert text.count("+BEAT=200") == 1
    assert "prod-etcd-0-configure, prod-etcd-1-configure, prod-etcd-2-configure; as on prod-etcd-0-configure" in text


def test_an_exemption_is_reported_with_its_reason_and_breaks_no_rule() -> None:
    said = {"policyName": IN_USE, "policyPackName": "quorate", "enforcementLevel": "advisory"}
    message = f"Exemptions are few and known.\nsnapshots-are-scheduled{EXEMPT}: taken by hand until June\nNo schedule."
    text = made(Digest("prod", OLD, OLD), [json.dumps({"policyEvent": {**said, "message": message}})])
    exemption = "snapshots-are-scheduled is exempt: taken by hand until June"
    assert f"- **Policies**: quorate: no rule is broken. {exemption}.\n" in text
    assert f"| {exemption} | No schedule. |" in text


def test_a_rule_that_many_resources_break_is_one_row_with_its_reason_and_remedy() -> None:
    said = {"policyName": "disks", "policyPackName": "quorate", "enforcementLevel": "mandatory"}
    events = [
        json.dumps({"policyEvent": {**said, "resourceUrn": urn, "message": f"Rule.\n{name} is bare.\nWhy: x.\nDo: y."}})
        for name, urn in ((name, f"urn:pulumi:prod::quorate::aws:ebs/volume:Volume::{name}") for name in ("a", "b"))
    ]
    text = made(Digest("prod", OLD, OLD), events)
    row = "`a`, `b` | Rule.<br>a is bare.<br>b is bare.<br>**Why**: x.<br>**Do**: y. |"
    assert f"| mandatory | `disks` | {row}" in text
    assert "> - `a`, `b`: Rule. a is bare. b is bare. Do: y. (`disks`)\n" in text
    assert "1 mandatory and 0 advisory rules are broken" in text


def test_refused_settings_are_reported_line_by_line() -> None:
    digest = Digest("prod", OLD, OLD)
    digest.diagnostics += [
        {"severity": "error", "message": "error: two problems:\n  1. etcd.members\n  2. kubelet.maxPod ```\n"},
        {"severity": "error", "message": "error: an error occurred: program exited with non-zero exit code: 1"},
    ]
    text = made(digest)
    assert "\n```text\ntwo problems:\n  1. etcd.members\n  2. kubelet.maxPod `\n```\n" in text
    assert "non-zero" not in text


def test_many_errors_do_not_break_the_limit() -> None:
    digest = Digest("prod", OLD, OLD)
    digest.diagnostics.append({"severity": "error", "message": "\n".join("x" * 5000 for _ in range(5000))})
    text = made(digest)
    assert len(text.encode()) <= LIMIT
    assert "… 4960 more lines" in text


def test_a_cluster_out_of_reach_is_said_once() -> None:
    digest = Digest("prod", OLD, OLD)
    for name in ("a", "b"):
        message = f"warning: Cluster is unreachable but skipUpdateUnreachable is set, {name}"
        digest.diagnostics.append({"severity": "warning", "message": message})
    assert made(digest).count("can't be reached from here") == 1


def test_a_recorded_preview_of_nine_machines_is_reported_in_a_minutes_reading() -> None:
    text = comment(review("prod", read_preview((RECORDED / "prod-changed.json").read_text())))
    assert "`prod`: pauses machines; the API stays up" in text
    assert "on etcd-0, etcd-1, etcd-2; as on etcd-0</summary>" in text
    assert len(text.encode()) < LIMIT / 8


def test_machines_that_would_not_take_turns_are_said_to_interrupt_the_api() -> None:
    recorded = json.loads((RECORDED / "prod-changed.json").read_text())
    for step in recorded["steps"]:
        if step["urn"].endswith("-instance"):
            step["newState"].pop("dependencies", None)
    text = comment(review("prod", read_preview(json.dumps(recorded))))
    assert "⚠️ `prod`: interrupts the API" in text
    assert "control-plane-0, control-plane-1, control-plane-2 may pause at the same time" in text


def test_a_new_stack_is_drawn_and_counted_by_kind() -> None:
    digest = Digest("education", None, settings(EDUCATION))
    for number in range(20):
        digest.add("aws:vpc/rule:Rule", f"education-rule-{number}", "create")
    text = made(digest)
    assert "🆕 `education`: creates a new cluster" in text
    assert "[control-plane-0 + etcd]" in text
    assert "| 20 Rule | create |" in text


def test_the_command_writes_both_lengths_and_fails_for_what_can_not_be_applied(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    saved, short, full = (tmp_path / name for name in ("preview.json", "comment.md", "full.md"))
    saved.write_text(two_hundred().text())
    arguments = ["preview-comment", "--stack", "prod", "--preview", str(saved)]
    assert main([*arguments, "--output", str(short), "--full", str(full)]) == 0
    assert len(short.read_bytes()) <= LIMIT < len(full.read_bytes())

    digest = Digest("prod", OLD, OLD)
    digest.diagnostics.append({"severity": "error", "message": "refused"})
    saved.write_text(digest.text())
    assert main(arguments) == 1
    assert "🛑 `prod`: the preview fails" in capsys.readouterr().out


def test_a_preview_that_is_none_is_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    saved = tmp_path / "preview.json"
    assert main(["preview-comment", "--stack", "prod", "--preview", str(saved)]) == 1
    saved.write_text("error: no stack named 'prod' found")
    assert main(["preview-comment", "--stack", "prod", "--preview", str(saved)]) == 1
    said = capsys.readouterr().err
    assert "can't read" in said
    assert "no output of `pulumi preview --json`" in said
