"""The environment that a project's options name, and what is found in it."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from sandbox.engine.python_environment import (
    EnvironmentProblemError,
    PulumiPackage,
    PythonEnvironment,
    installed_pulumi_packages,
    project_environment,
    require,
)


@pytest.fixture
def site_packages(tmp_path: Path) -> Path:
    folder = tmp_path / "lib" / "python3.11" / "site-packages"
    folder.mkdir(parents=True)
    return folder


def install(folder: Path, name: str, content: dict[str, object], version: str = "") -> None:
    (folder / name).mkdir()
    (folder / name / "pulumi-plugin.json").write_text(json.dumps(content))
    if version:
        info = folder / f"{name}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name.replace('_', '-')}\nVersion: {version}\n")


def test_a_relative_virtualenv_lies_beside_the_project_file(tmp_path: Path) -> None:
    assert project_environment({"virtualenv": "../env"}, tmp_path / "project").prefix == tmp_path / "env"


def test_an_absolute_virtualenv_is_taken_as_it_is(tmp_path: Path) -> None:
    assert project_environment({"virtualenv": "/opt/env"}, tmp_path).prefix == Path("/opt/env")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "virtualenv: missing"),
        ({"toolchain": "uv"}, "toolchain: found 'uv'"),
        ({"typechecker": "mypy"}, "typechecker: found 'mypy'; the option is not modelled"),
    ],
)
def test_an_option_that_is_not_modelled_is_refused(options: dict[str, object], message: str, tmp_path: Path) -> None:
    with pytest.raises(EnvironmentProblemError, match=message):
        project_environment(options, tmp_path)


def test_a_folder_that_is_no_environment_is_told_from_one_that_is_missing(tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()
    with pytest.raises(EnvironmentProblemError, match="is not a virtual environment"):
        require(PythonEnvironment(tmp_path / "plain"), "plain")
    with pytest.raises(EnvironmentProblemError, match="doesn't exist; create it"):
        require(PythonEnvironment(tmp_path / "missing"), "missing")
    require(PythonEnvironment(Path(sys.prefix)), "here")


def test_activation_puts_the_environment_first_and_drops_pythonhome() -> None:
    active = PythonEnvironment(Path("/env")).variables({"PATH": "/bin", "PYTHONHOME": "/x", "OTHER": "1"})
    assert active == {"PATH": "/env/bin:/bin", "VIRTUAL_ENV": "/env", "OTHER": "1"}


def test_sdks_name_their_plugins_and_versions(tmp_path: Path, site_packages: Path) -> None:
    install(site_packages, "pulumi_one", {"resource": True, "name": "one", "version": "1.2.3", "server": "https://x"})
    install(site_packages, "pulumi_two", {"resource": True}, version="4.5.6")
    install(site_packages, "pulumi_policy", {"resource": False})
    assert installed_pulumi_packages(PythonEnvironment(tmp_path)) == [
        PulumiPackage("one", "1.2.3", "https://x"),
        PulumiPackage("two", "4.5.6"),
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"resource": True, "parameterization": {"name": "x"}}, "parameterized packages are not modelled"),
        ({"resource": True, "name": "one"}, "neither pulumi-plugin.json nor a dist-info gives its version"),
    ],
)
def test_an_sdk_that_cannot_be_served_is_named(
    tmp_path: Path, site_packages: Path, content: dict[str, object], message: str
) -> None:
    install(site_packages, "pulumi_one", content)
    with pytest.raises(EnvironmentProblemError, match=f"pulumi_one.*{message}"):
        installed_pulumi_packages(PythonEnvironment(tmp_path))


def test_the_real_environment_has_the_sdks_of_the_program() -> None:
    found = {package.name for package in installed_pulumi_packages(PythonEnvironment(Path(sys.prefix)))}
    assert {"aws", "command", "kubernetes", "tls"} <= found
