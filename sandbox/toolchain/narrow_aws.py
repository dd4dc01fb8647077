"""Narrows a copy of the upstream AWS provider to the services that the program uses.

The whole provider links some 260 services: an hour of building and 700 MB. Two generated files decide what
is linked, the list of service packages and the list of SDK clients; both are filtered in the copy.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

_SERVICE_IMPORT = re.compile(r'terraform-provider-aws/internal/service/([a-z0-9]+)"')
_SERVICE_ENTRY = re.compile(r"\s+(\w+)\.ServicePackage\(ctx\),")
_CLIENT_METHOD = re.compile(r"func \(c \*AWSClient\) (\w+Client)\(")
_CLIENT_IMPORT = re.compile(r'\s+(?:(\w+) )?"github.com/aws/aws-sdk-go-v2/service/(\w+)"')
_CLIENT_USE = re.compile(r"\.(\w+Client)\(ctx")

SERVICE_LIST = Path("internal/provider/sdkv2/service_packages_gen.go")
CLIENT_LIST = Path("internal/conns/awsclient_gen.go")


def _go_files(folder: Path) -> list[Path]:
    return [file for file in folder.glob("*.go") if not file.name.endswith("_test.go")]


def _imported_closure(provider: Path, wanted: Iterable[str]) -> set[str]:
    """The services wanted, and those that their code imports."""
    seen: set[str] = set()
    todo = list(wanted)
    while todo:
        name = todo.pop()
        if name in seen:
            continue
        seen.add(name)
        for file in _go_files(provider / "internal/service" / name):
            todo += _SERVICE_IMPORT.findall(file.read_text())
    return seen


def _clients_used(provider: Path, services: set[str]) -> set[str]:
    internal = provider / "internal"
    folders = [internal / "service" / name for name in services]
    folders += [
        folder
        for folder in internal.rglob("*")
        if folder.is_dir() and folder.relative_to(internal).parts[0] != "service"
    ]
    return {
        client
        for folder in folders
        for file in _go_files(folder)
        if file.name != CLIENT_LIST.name
        for client in _CLIENT_USE.findall(file.read_text())
    }


def _keep_services(text: str, services: set[str]) -> str:
    def kept(line: str) -> bool:
        found = _SERVICE_IMPORT.search(line) or _SERVICE_ENTRY.match(line)
        return not found or found[1] in services

    return "\n".join(filter(kept, text.splitlines())) + "\n"


def _keep_clients(text: str, clients: set[str]) -> str:
    head, *functions = re.split(r"(?m)^(?=func )", text)
    body = "".join(f for f in functions if not (m := _CLIENT_METHOD.match(f)) or m[1] in clients)

    def kept(line: str) -> bool:
        found = _CLIENT_IMPORT.match(line)
        return not found or bool(re.search(rf"\b{found[1] or found[2]}\.", body))

    return "\n".join(filter(kept, head.splitlines())) + "\n\n" + body


def narrow(provider: Path, wanted: Iterable[str]) -> list[str]:
    """Rewrites the two lists in `provider`, in place; returns the names of the services that remain."""
    services = _imported_closure(provider, wanted)
    clients = _clients_used(provider, services)
    for path, keep, names in ((SERVICE_LIST, _keep_services, services), (CLIENT_LIST, _keep_clients, clients)):
        file = provider / path
        file.write_text(keep(file.read_text(), names))
    return sorted(services)
