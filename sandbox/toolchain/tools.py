"""The tools that the sandbox builds from Go modules: what tools.toml says of them.

Each tool has a folder beside this file with its go.mod and go.sum. Versions live in go.mod alone; what is
stamped into the binaries is read from there.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class ModuleCopy:
    """A module that is copied out of the module cache and changed before it is built against.

    `sum` is the module's checksum as Go prints it ("h1:..."): the public checksum database does not know
    every fork, so it is compared here.
    """

    module: str
    version: str
    sum: str
    folder: str


@dataclass(frozen=True)
class Tool:
    """One go.mod and the commands that come out of it.

    `commands` maps the file name of the binary to its package path; `version_module` names the module whose
    version the tool carries; `stamps` are linker variables, with {version} to fill in; `cgo` tools need a C compiler
    and are linked statically all the same; `bridged` ones are built together with the sources in bridge/. `release` is
    what upstream calls a version that go.mod can only name by a commit. `embedded` are files of the version module, by
    their paths in it, that are copied beside the sources, which embed them.
    """

    name: str
    commands: Mapping[str, str]
    version_module: str
    stamps: tuple[str, ...] = ()
    tags: str = ""
    copies: tuple[ModuleCopy, ...] = ()
    services: tuple[str, ...] = ()
    cgo: bool = False
    bridged: bool = False
    release: str = ""
    embedded: tuple[str, ...] = ()

    @property
    def source(self) -> Path:
        return HERE / self.name

    @property
    def source_folders(self) -> tuple[Path, ...]:
        """The folders whose files are built together."""
        return (self.source, HERE / "bridge") if self.bridged else (self.source,)

    @property
    def version(self) -> str:
        """Version of the tool without the leading v: its release, or what its go.mod pins."""
        return self.release or self.pinned

    @property
    def pinned(self) -> str:
        """Version of the tool's module in its go.mod, without the leading v."""
        text = (self.source / "go.mod").read_text()
        found = re.search(rf"^\s*(?:require )?{re.escape(self.version_module)} v(\S+)", text, re.MULTILINE)
        if not found:
            raise ValueError(f"{self.source / 'go.mod'}: does not require {self.version_module}")
        return found[1]

    @property
    def go_version(self) -> str:
        """The release of Go that its go.mod asks for, such as `1.26.2`."""
        found = re.search(r"^go (\S+)$", (self.source / "go.mod").read_text(), re.MULTILINE)
        if not found:
            raise ValueError(f"{self.source / 'go.mod'}: does not say which Go it needs")
        return found[1]


def _tool(name: str, entry: dict[str, Any]) -> Tool:
    copies = tuple(ModuleCopy(**copy) for copy in entry.pop("copies", ()))
    lists = {key: tuple(value) for key, value in entry.items() if isinstance(value, list)}
    return Tool(name=name, copies=copies, **entry | lists)


TOOLS = tuple(_tool(name, entry) for name, entry in tomllib.loads((HERE / "tools.toml").read_text()).items())
