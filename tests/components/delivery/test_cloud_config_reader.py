"""User data is read back as it was written, packed or plain, and other texts are no cloud-config."""

from __future__ import annotations

import base64

import pytest

from components.delivery.cloud_config import cloud_config, compressed, read_cloud_config, unpacked
from components.delivery.node_files import NodeFile

FILES = (NodeFile("/opt/quorate/bin/x.sh", "#!/bin/sh\necho 'a: b' # %{c}\n", "0755"), NodeFile("/etc/quorate/e", ""))
TEXT = cloud_config("pool", None, FILES, ("quorate-join.service",))


@pytest.mark.parametrize("user_data", [TEXT, base64.b64encode(TEXT.encode()).decode(), compressed(TEXT)])
def test_files_and_the_rest_are_read_back_however_they_travel(user_data: str) -> None:
    read = read_cloud_config(user_data)
    assert read is not None
    assert read.files == {file.path: file.content for file in FILES}
    assert set(read.rest) == {"hostname", "manage_etc_hosts", "runcmd"}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "not base64!",
        "aGVsbG8=",
        "H4sIAAAA",
        "#!/bin/sh\n",
        "hostname: a\n",
        "#cloud-config\n- a\n",
        "#cloud-config\n{",
    ],
)
def test_another_text_is_no_cloud_config(text: str) -> None:
    assert read_cloud_config(text) is None


def test_entries_without_a_path_are_left_out() -> None:
    read = read_cloud_config("#cloud-config\nwrite_files:\n- content: a\n- b\n- path: /c\n")
    assert read is not None
    assert read.files == {"/c": ""}


def test_what_is_not_packed_stays_as_it_is() -> None:
    broken = base64.b64encode(b"\x1f\x8bnot gzip").decode()
    for text in ("#!/bin/sh\n", "abc", broken, base64.b64encode(b"\xff\xfe").decode()):
        assert unpacked(text) == text
