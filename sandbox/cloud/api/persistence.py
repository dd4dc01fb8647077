"""The account in a file: every backend that the program uses, in one blob, so that objects shared by two stay shared."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import dill

_log = logging.getLogger(__name__)
_SERVICES = ("ec2", "iam", "ssm", "route53", "s3", "kms", "elbv2", "autoscaling", "sts")


def save(file: Path) -> None:
    """Writes the account; the file is replaced whole or not at all."""
    partial = file.with_suffix(".partial")
    partial.touch(mode=0o600)
    partial.write_bytes(dill.dumps({name: _regions(name) for name in _SERVICES}))
    partial.rename(file)


def load(file: Path) -> None:
    """Puts a saved account in place; nothing where none was saved."""
    if not file.exists():
        return
    saved: dict[str, dict[str, dict[str, Any]]] = dill.loads(file.read_bytes())  # noqa: S301  (our own file, mode 0600)
    for name, accounts in saved.items():
        backends = _backends(name)
        for account, regions in accounts.items():
            for region, backend in regions.items():
                dict.__setitem__(backends[account], region, backend)


def _regions(name: str) -> dict[str, dict[str, Any]]:
    return {account: dict(regions.items()) for account, regions in list(_backends(name).items())}


def _backends(name: str) -> Any:
    from moto.backends import get_backend

    return get_backend(name)  # type: ignore[call-overload]
