"""Texts that users read use the field's words: what was once written otherwise doesn't come back."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
TEXTS = (
    "*.md", "*.html", "stacks/*", "Makefile", "Pulumi.yaml", ".ci/*", ".github/*", "__main__.py",
    "components/*.py", "components/*.sh", "components/node/units/*", "operations/*.py", "policies/*.py", "pricing/*.py",
    "sandbox/*.py", "tests/*.py",
)  # fmt: skip
# Sources whose every change makes a new build of images and tools; this list.
NOT_READ = (
    "sandbox/toolchain/", "sandbox/image/", "sandbox/internet/", "tests/test_language.py",
)  # fmt: skip
_VERBS = "Is|Are|Does|Has|Have|Was|Were|Should|Had"
# What it should say, and how it must not be said.
PHRASES: tuple[tuple[str, str], ...] = (
    ("again, or rewrites", r"\banew\b"),
    ("current", r"\bof now\b"),
    ("fix", r"\bmend(s|ed|ing)?\b"),
    ("reported", r"\b(is|are|was|were) told\b(?! apart)"),
    ("in front of the API servers", r"\bbefore the API servers?\b"),
    ("does not match", r"\bhas not the\b"),
    ("must not be logged", r"\bbelongs? into\b"),
    ("as a side effect", r"\bmust not come by the way\b"),
    ("unattended", r"\bwithout a hand\b"),
    ("one at a time", r"\bin a row\b.{0,20}\bmembers\b|\bmembers\b.{0,40}\bin a row\b"),
    ("triggers a warning", r"\bis told so\b"),
    ("handled by AWS", r"\bAWS's matter\b"),
    ("prices for", r"\bno prices of\b"),
    ("how to fix what is missing", r"\bthe remedy where it has not\b"),
    ("if …", rf"(?:^|[.:;]\s+|[\"#*]\s?)(?:{_VERBS})\s+(?:it|they|a|an|the|one)\s[^?.]{{3,80}},\s[^?.]*\."),
)  # fmt: skip
# Kubernetes' own name of a group, and a tag of images that must be refused.
CONTROL_PLANE = r"(?<!system:)(?<!\")(?<!node:)\bmasters?\b"


def tracked(*patterns: str) -> dict[str, str]:
    listed = subprocess.run(["git", "ls-files", "-z", "--", *patterns], cwd=ROOT, capture_output=True, text=True)
    names = [name for name in listed.stdout.split("\0") if name and not name.startswith(NOT_READ)]
    return {name: (ROOT / name).read_text(errors="replace") for name in names if (ROOT / name).is_file()}


@pytest.fixture(scope="module")
def texts() -> dict[str, str]:
    found = tracked(*TEXTS)
    if not found:
        pytest.skip("this is no checkout of git")
    return found


def _found(texts: dict[str, str], phrase: str, flags: re.RegexFlag = re.NOFLAG) -> list[str]:
    pattern = re.compile(phrase, re.MULTILINE | flags)
    return [
        f"{name}:{text.count(chr(10), 0, hit.start()) + 1}: {hit[0]!r}"
        for name, text in texts.items()
        for hit in pattern.finditer(text)
    ]


@pytest.mark.parametrize(("better", "phrase"), PHRASES, ids=[better for better, _ in PHRASES])
def test_no_text_says_it_the_old_way(texts: dict[str, str], better: str, phrase: str) -> None:
    assert _found(texts, phrase) == [], f"say: {better}"


def test_the_control_plane_has_one_name(texts: dict[str, str]) -> None:
    assert _found(texts, CONTROL_PLANE, re.IGNORECASE) == [], "say: control plane, control-plane machine"


@pytest.mark.parametrize(
    "text",
    [
        "the file is written anew", "by the settings of now", "mend the setting", "they are told, and nothing stops",
        "the load balancer before the API servers", "finishes without a hand",
        "Are they lost already, exempt this update.", "Does a component need more, raise the maximum.",
    ],
)  # fmt: skip
def test_the_list_knows_what_it_forbids(text: str) -> None:
    assert any(re.search(phrase, text, re.MULTILINE) for _, phrase in PHRASES)
