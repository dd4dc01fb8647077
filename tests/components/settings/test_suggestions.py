from __future__ import annotations

import pytest

from components.settings.suggestions import did_you_mean, nearest


@pytest.mark.parametrize(
    ("word", "known", "meant"),
    [
        ("vpc-cidr", ("vpcCidr", "zones"), "vpcCidr"),
        ("ue-central-1", ("eu-central-1", "ca-central-1"), "eu-central-1"),
        ("t3.mediun", ("t3.medium", "t3.large"), "t3.medium"),
        ("qourate", ("aws", "quorate"), "quorate"),
        ("x" * 100_000, ("zones",), None),
        ("", ("zones",), None),
        ("\N{GREEK SMALL LETTER ALPHA}", ("zones",), None),
        (7, ("zones",), None),
        ("zones", (), None),
    ],
)
def test_the_nearest_known_word_is_the_one_that_was_meant(
    word: object, known: tuple[str, ...], meant: str | None
) -> None:
    assert nearest(word, known) == meant
    assert did_you_mean(word, known) == (f" Did you mean {meant}?" if meant else "")
