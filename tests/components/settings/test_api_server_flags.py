"""The table of kube-apiserver's arguments is what the real one says of itself."""

from __future__ import annotations

import re
import subprocess

import pytest

from components.settings.rules.api_server_flags import ADMISSION_PLUGINS, FLAGS, GATES, RELEASE
from tests.sandbox_cli import binary

# Arguments that it takes and doesn't list.
_UNLISTED = {
    "apiserver-count",
    "audit-webhook-batch-initial-backoff",
    "default-watch-cache-size",
    "kubelet-port",
    "kubelet-read-only-port",
}


@pytest.mark.engine
def test_the_table_has_the_arguments_plugins_and_gates_of_the_release_that_it_names() -> None:
    said = subprocess.run(
        [binary("kubernetes", "kube-apiserver"), "--help"], capture_output=True, text=True, check=True
    ).stdout
    names = {name for kind in FLAGS.values() for name in kind.split()}
    assert names - _UNLISTED == set(re.findall(r"^ {2,6}(?:-\w, )?--([a-z0-9-]+)", said, re.MULTILINE))
    plugins = re.search(r"Comma-delimited list of admission plugins: ([^.]*)\.", said)
    assert plugins
    assert set(ADMISSION_PLUGINS.split()) == set(plugins[1].split(", "))
    assert set(re.findall(r"kube:(\w+)=true\|false", said)) <= set(GATES.split())
    version = subprocess.run(
        [binary("kubernetes", "kube-apiserver"), "--version"], capture_output=True, text=True, check=True
    ).stdout
    assert version.split()[-1] == f"v{RELEASE}"
