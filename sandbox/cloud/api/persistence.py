"""The account in a file: every backend in use, in one blob, so that objects shared by two stay shared."""

from __future__ import annotations

import copyreg
import io
import os
from importlib.metadata import version
from pathlib import Path
from typing import Any

import dill
from cryptography.hazmat.bindings._rust import openssl
from cryptography.hazmat.primitives import serialization

from sandbox.errors import SandboxError

_SERVICES = ("ec2", "iam", "ssm", "route53", "s3", "kms", "elbv2", "autoscaling", "sts")
_OTHER_PARTITIONS = "aws-"


def capture() -> bytes:
    """The account as it is. Nothing may change it meanwhile."""
    blob = io.BytesIO()
    _Pickler(blob).dump({"moto": version("moto"), "services": {name: _regions(name) for name in _SERVICES}})
    return blob.getvalue()


def save(file: Path, account: bytes) -> None:
    """Writes what was captured, readable by its owner alone; the file is replaced whole or not at all."""
    partial = file.with_suffix(".partial")
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as target:
        target.write(account)
        target.flush()
        os.fsync(target.fileno())
    partial.replace(file)


def load(file: Path) -> None:
    """Puts a saved account in place of an empty one; nothing where none was saved. Raises SandboxError."""
    if not file.exists():
        return
    found, services = _read(file)
    if found != version("moto"):
        raise _unreadable(file, f"it was written with moto {found}, and {version('moto')} is installed")
    for name, accounts in services.items():
        backends = _backends(name)
        for account, regions in accounts.items():
            for region, backend in regions.items():
                # Past moto's own method, which would make an empty backend and remember it.
                dict.__setitem__(backends[account], region, backend)


def _read(file: Path) -> tuple[str, dict[str, dict[str, dict[str, Any]]]]:
    try:
        saved = dill.loads(file.read_bytes())  # noqa: S301  (our own, readable by its owner alone)
        return saved["moto"], saved["services"]
    except Exception as problem:
        raise _unreadable(file, f"{type(problem).__name__}: {problem}") from problem


def _unreadable(file: Path, why: str) -> SandboxError:
    return SandboxError(f"{file}: the sandbox's account cannot be read ({why}). `python -m sandbox down` removes it")


class _Pickler(dill.Pickler):  # type: ignore[misc]
    """Takes apart what pickle can't."""

    def __init__(self, target: io.BytesIO) -> None:
        from moto.ssm.models import ParameterDict

        super().__init__(target)
        keys = (openssl.rsa.RSAPrivateKey, openssl.ec.ECPrivateKey, openssl.ed25519.Ed25519PrivateKey)
        reducers: dict[type, Any] = dict.fromkeys(keys, _reduce_key)
        reducers[ParameterDict] = _reduce_parameters
        self.dispatch_table = {**copyreg.dispatch_table, **reducers}


def _regions(name: str) -> dict[str, dict[str, Any]]:
    return {
        account: {region: backend for region, backend in regions.items() if not region.startswith(_OTHER_PARTITIONS)}
        for account, regions in list(_backends(name).items())
    }


def _backends(name: str) -> Any:
    from moto.backends import get_backend

    return get_backend(name)


def _reduce_key(key: Any) -> tuple[Any, ...]:
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return _load_key, (pem,)


def _load_key(pem: bytes) -> Any:
    return serialization.load_pem_private_key(pem, None)


def _reduce_parameters(parameters: Any) -> tuple[Any, ...]:
    arguments = (parameters.account_id, parameters.region_name)
    return type(parameters), arguments, dict(vars(parameters)), None, iter(dict.items(parameters))
