"""The certificate of this machine's API server: made again where it lacks a name.

`quorate-node renew-api-certificate`: for the names on standard input, one a line, by which operators reach the API.
They are known later than kubeadm's documents: a load balancer gets its name when AWS has made it.
"""

from __future__ import annotations

import ipaddress
import re
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

# Not of the standard library; documents.py says why it is there.
import yaml

from components.node.common.failure import Failure
from components.node.common.files import content_of, install_text
from components.node.common.log import report
from components.node.common.machine_lock import machine_lock
from components.node.common.programs import run
from components.node.common.step import run_step, usage
from components.node.control_plane.documents import certificate_names, read_documents, with_certificate_names
from components.node.control_plane.phases import run_phase
from components.node.control_plane.this_machine import ThisMachine, read_this_machine

_STEP = "renew-api-certificate"
# It makes the certificate, too.
_CONFIGURE = "configure-control-plane"
_NAME = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9.:]{0,251}[A-Za-z0-9])?")


def main(arguments: Sequence[str]) -> int:
    if arguments:
        return usage(f"usage: quorate-node {_STEP}, with a name or an address on each line of its input")
    return run_step(
        _STEP, lambda: reach_by(read_this_machine(), sys.stdin.read()), within=machine_lock(_CONFIGURE, 1800)
    )


def reach_by(machine: ThisMachine, text: str) -> None:
    """From here on the certificate is valid for the names in `text`, too, whenever it is made. Raises Failure."""
    names = text.split()
    if not names or not all(_NAME.fullmatch(name) for name in names):
        raise Failure(f"not a name or an address on each line: {text[:200]!r}; run pulumi up again")
    install_text(machine.folders.operators_names, "".join(f"{name}\n" for name in names))
    configuration = machine.folders.configuration
    if not renew_api_certificate(machine, certificate_names(read_documents(configuration.read_text(), configuration))):
        report(f"the certificate of the API server is valid for {', '.join(names)}")


def renew_api_certificate(machine: ThisMachine, names: Iterable[str]) -> bool:
    """Makes the certificate again if it is not valid for one of `names`, or of those by which operators reach the API.

    True if it was made. The API server reads it by itself.
    """
    certificate = machine.folders.kubernetes / "pki" / "apiserver.crt"
    wanted = list(dict.fromkeys([*names, *(content_of(machine.folders.operators_names) or "").split()]))
    for name in wanted:
        if not is_valid_for(certificate, name):
            report(f"the certificate of the API server lacks {name}")
            _make(machine, wanted)
            return True
    return False


def _make(machine: ThisMachine, names: Sequence[str]) -> None:
    """In a folder beside its place, so that there is one at any time: kubeadm makes only what is not there."""
    pki = machine.folders.kubernetes / "pki"
    with tempfile.TemporaryDirectory(prefix="apiserver-", dir=machine.folders.kubernetes) as made:
        folder = Path(made)
        for file in ("ca.crt", "ca.key"):
            (folder / file).symlink_to(pki / file)
        configuration = folder / "kubeadm.yaml"
        documents = list(yaml.safe_load_all(machine.folders.configuration.read_text()))
        configuration.write_text(yaml.safe_dump_all(with_certificate_names(documents, names, made)))
        run_phase(machine, "certs", "apiserver", configuration=configuration)
        # An API server that looks between the two finds that they don't fit, and looks again.
        for file in ("apiserver.key", "apiserver.crt"):
            (folder / file).replace(pki / file)


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
