from __future__ import annotations

import pytest
from moto.core.utils import get_service_model

from sandbox.cloud.api.validation.constraints import compiled

SERVICES = ("autoscaling", "ec2", "elbv2", "iam", "kms", "route53", "s3", "s3control", "ssm", "sts")


@pytest.mark.parametrize("service", SERVICES)
def test_every_pattern_of_a_model_is_understood(service: str) -> None:
    model = get_service_model(service)
    patterns = {model.shape_for(name).metadata.get("pattern") for name in model.shape_names} - {None}
    for pattern in patterns:
        compiled(pattern)


@pytest.mark.parametrize(
    ("pattern", "value", "fits"),
    [
        (r"[\u0020-\uD7FF\uE000-\uFFFD\uD800\uDC00-\uDBFF\uDFFF\r\n\t]*", "a\n\U0001f600", True),
        (r"[\u0020-\uD7FF\uE000-\uFFFD\uD800\uDC00-\uDBFF\uDFFF\r\n\t]*", "a\x07", False),
        (r"^([\p{L}\p{Z}\p{N}_.:/=+\-@]*)$", "Größe 1", True),
        (r"^([\p{L}\p{Z}\p{N}_.:/=+\-@]*)$", "a;b", False),
        (r"[\w+=,.@-]+", "größe", False),
        (r"[\w+=,.@-]+", "a\n", False),
    ],
)
def test_patterns_are_read_as_javas(pattern: str, value: str, fits: bool) -> None:
    assert bool(compiled(pattern).fullmatch(value)) is fits
