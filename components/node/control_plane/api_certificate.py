"""The certificate of this machine's API server: made again where it lacks a name."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from pathlib import Path

from components.node.common.failure import Failure
from components.node.common.log import report
from components.node.common.programs import run
from components.node.control_plane.phases import run_phase
from components.node.control_plane.this_machine import ThisMachine


def renew_api_certificate(machine: ThisMachine, names: Iterable[str]) -> None:
    """Makes the certificate again if it is not valid for one of `names`. The API server reads it by itself."""
    pki = machine.folders.kubernetes / "pki"
    certificate = pki / "apiserver.crt"
    for name in names:
        if not is_valid_for(certificate, name):
            report(f"the certificate of the API server lacks {name}")
            certificate.unlink(missing_ok=True)
            (pki / "apiserver.key").unlink(missing_ok=True)
            run_phase(machine, "certs", "apiserver")
            return


def is_valid_for(certificate: Path, name: str) -> bool:
    """Whether a client that expects `name`, an address or a host name, accepts it. False where there is none."""
    if not certificate.exists():
        return False
    option = "-checkip" if _is_address(name) else "-checkhost"
    # OpenSSL answers by its words; which exit code goes with them depends on its version.
    said = run(["openssl", "x509", "-in", str(certificate), "-noout", option, name], accepted=(0, 1))
    if "does match" not in said and "does NOT match" not in said:
        raise Failure(f"openssl can't read {certificate}; remove the file and run pulumi up again")
    return "does match" in said


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
