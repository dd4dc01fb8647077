"""Copies files to another host, by SFTP."""

from __future__ import annotations

import os
import posixpath
import stat
from pathlib import Path

import paramiko

from sandbox.engine.command.texts import system_text
from sandbox.engine.plugin.properties import Archive, Asset
from sandbox.engine.plugin.server import PluginError

_CHUNK = 256 * 1024


def copy(sftp: paramiko.SFTPClient, source: Asset | Archive, target: str) -> None:
    """Copies a text, a file or a folder. Raises PluginError.

    Where it goes depends on what is there:

    source   target is a folder   target is missing   target is a file
    folder   target/folder        target/folder       error
    folder/  target               target              error
    file     target/file          target              target, overwritten
    text     error                target              target, overwritten
    """
    existing = _mode(sftp, target)
    if isinstance(source, Asset) and source.path is None:
        if existing is not None and stat.S_ISDIR(existing):
            raise PluginError(
                f"remote path {target} is a directory; when using a text asset, remotePath must be a file path"
            )
        _make_parents(sftp, target)
        _write(sftp, (source.text or "").encode(), target)
        return
    path = source.path or ""
    try:
        is_folder = stat.S_ISDIR(Path(path).stat().st_mode)
    except OSError as problem:
        raise PluginError(f"open {path}: {system_text(problem)}") from problem
    if is_folder:
        _copy_folder_to(sftp, path, target)
    else:
        if existing is not None and stat.S_ISDIR(existing):
            target = posixpath.join(target, Path(path).name)
        _make_parents(sftp, target)
        copy_file(sftp, Path(path), target)


def copy_file(sftp: paramiko.SFTPClient, source: Path, target: str) -> None:
    """Copies one file; the folder that it goes to must be there. Raises PluginError."""
    try:
        with source.open("rb") as local:
            try:
                with sftp.open(target, "wb") as remote:
                    remote.set_pipelined(True)
                    while chunk := local.read(_CHUNK):
                        remote.write(chunk)
            except OSError as problem:
                raise PluginError(f"failed to create remote file {target}: {_remote_text(problem)}") from problem
    except OSError as problem:
        raise PluginError(f"open {source}: {system_text(problem)}") from problem


def _write(sftp: paramiko.SFTPClient, content: bytes, target: str) -> None:
    try:
        with sftp.open(target, "wb") as remote:
            remote.set_pipelined(True)
            remote.write(content)
    except OSError as problem:
        raise PluginError(f"failed to create remote file {target}: {_remote_text(problem)}") from problem


def _copy_folder_to(sftp: paramiko.SFTPClient, source: str, target: str) -> None:
    _make_folders(sftp, target)
    if not source.endswith("/"):
        target = posixpath.join(target, Path(source).name)
    for folder, _, names in os.walk(source):
        relative = Path(folder).relative_to(source).as_posix()
        here = target if relative == "." else posixpath.join(target, relative)
        _make_folder(sftp, here)
        for name in sorted(names):
            copy_file(sftp, Path(folder) / name, posixpath.join(here, name))


def _make_parents(sftp: paramiko.SFTPClient, target: str) -> None:
    parent = posixpath.dirname(target)
    if parent not in ("", "/"):
        _make_folders(sftp, parent)


def _make_folders(sftp: paramiko.SFTPClient, path: str) -> None:
    """The folder and what of its parents is missing."""
    if _mode(sftp, path) is None:
        _make_parents(sftp, path)
    _make_folder(sftp, path)


def _make_folder(sftp: paramiko.SFTPClient, path: str) -> None:
    mode = _mode(sftp, path)
    if mode is not None and not stat.S_ISDIR(mode):
        raise PluginError(f"remote path {path} exists but is not a directory")
    if mode is None:
        try:
            sftp.mkdir(path)
        except OSError as problem:
            raise PluginError(f"failed to create remote directory {path}: {_remote_text(problem)}") from problem


def _mode(sftp: paramiko.SFTPClient, path: str) -> int | None:
    """Mode of what is at the path, None if nothing is."""
    try:
        return sftp.stat(path).st_mode
    except FileNotFoundError:
        return None
    except OSError as problem:
        raise PluginError(f"failed to stat remote path {path}: {_remote_text(problem)}") from problem


def _remote_text(problem: OSError) -> str:
    if isinstance(problem, FileNotFoundError):
        return "file does not exist"
    if isinstance(problem, PermissionError):
        return "permission denied"
    return str(problem)
