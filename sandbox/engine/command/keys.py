"""Private and public keys for SSH, in the forms that people have them."""

from __future__ import annotations

import base64
import binascii
import io
from dataclasses import dataclass

import paramiko
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa


class KeyProblemError(Exception):
    """A key that can't be used; the message says why, and holds nothing of the key."""


@dataclass(frozen=True)
class HostKey:
    """A public key that a host must have: its type ("ssh-ed25519") and its form on the wire."""

    type: str
    blob: bytes


def private_key(text: str, password: str | None) -> paramiko.PKey:
    """A key in PEM: OpenSSH's own form, PKCS #1, SEC 1 or PKCS #8. Raises KeyProblemError."""
    secret = password.encode() if password is not None else None
    content = text.strip().encode() + b"\n"
    if b"-----BEGIN" not in content:
        raise KeyProblemError("ssh: no key found")
    load = serialization.load_ssh_private_key if b"OPENSSH" in content else serialization.load_pem_private_key
    try:
        key = load(content, secret)
    except TypeError as problem:
        if secret is None:
            raise KeyProblemError("ssh: this private key is passphrase protected") from problem
        raise KeyProblemError("ssh: not an encrypted key") from problem
    except (ValueError, UnsupportedAlgorithm) as problem:
        if secret is None and "assphrase" in str(problem) + "password" in str(problem):
            raise KeyProblemError("ssh: this private key is passphrase protected") from problem
        raise KeyProblemError(f"ssh: private key: {problem}") from None
    return _for_paramiko(key)


def _for_paramiko(key: object) -> paramiko.PKey:
    if isinstance(key, ed25519.Ed25519PrivateKey):
        kind: type[paramiko.PKey] = paramiko.Ed25519Key
    elif isinstance(key, rsa.RSAPrivateKey):
        kind = paramiko.RSAKey
    elif isinstance(key, ec.EllipticCurvePrivateKey):
        kind = paramiko.ECDSAKey
    else:
        raise KeyProblemError(f"ssh: unsupported key type {type(key).__name__}")
    form = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
    )
    return kind.from_private_key(io.StringIO(form.decode()))


def host_key(text: str) -> HostKey:
    """A key in the form of authorized_keys: `ssh-ed25519 AAAA… comment`. Raises KeyProblemError."""
    for line in text.splitlines():
        words = line.split()
        if len(words) < 2 or words[0].startswith("#"):
            continue
        try:
            blob = base64.b64decode(words[1], validate=True)
        except binascii.Error:
            continue
        length = int.from_bytes(blob[:4], "big")
        if blob[4 : 4 + length] == words[0].encode():
            return HostKey(words[0], blob)
    raise KeyProblemError("failed to parse host key: ssh: no key found")
