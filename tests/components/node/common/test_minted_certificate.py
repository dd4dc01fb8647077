"""A certificate for a day: of the authority, for clients only, readable by root alone, gone afterwards."""

from __future__ import annotations

import subprocess
from pathlib import Path

from components.node.common.minted_certificate import minted_certificate


def openssl(*arguments: str) -> str:
    return subprocess.run(["openssl", *arguments], check=True, capture_output=True, text=True).stdout


def test_it_is_for_clients_and_leaves_no_key_behind(tmp_path: Path) -> None:
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
            "-subj", "/CN=ca", "-keyout", f"{tmp_path}/ca.key", "-out", f"{tmp_path}/ca.crt")  # fmt: skip
    run_folder = tmp_path / "run"
    with minted_certificate(tmp_path / "ca", "/O=some:group/CN=cp-0", run_folder) as trust:
        assert trust.certificate is not None
        assert trust.key is not None
        openssl("verify", "-CAfile", str(trust.authority), "-purpose", "sslclient", str(trust.certificate))
        text = openssl("x509", "-in", str(trust.certificate), "-noout", "-subject", "-ext", "extendedKeyUsage")
        assert "O = some:group, CN = cp-0" in text
        assert "TLS Web Server Authentication" not in text
        assert trust.key.stat().st_mode & 0o077 == 0
        assert run_folder.stat().st_mode & 0o077 == 0
        trust.context()
    assert list(run_folder.iterdir()) == []
