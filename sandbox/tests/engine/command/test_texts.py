"""Texts, globs, keys and captured output of the plugin `command`."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from sandbox.engine.command.globs import GlobError, compiled, matching_files
from sandbox.engine.command.keys import KeyProblemError, host_key, private_key
from sandbox.engine.command.streams import Captured
from sandbox.engine.command.texts import exit_text, quoted

KEY = ed25519.Ed25519PrivateKey.generate()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('say "hi"', r'"say \"hi\""'),
        ("a\nb\tc\\", r'"a\nb\tc\\"'),
        ("bell\a nul\0 esc\x1b", r'"bell\a nul\x00 esc\x1b"'),
        ("größe ☃", '"größe ☃"'),
        ("\u200b\U000e0001", r'"\u200b\U000e0001"'),
    ],
)
def test_a_text_is_quoted_as_go_quotes_it(text: str, expected: str) -> None:
    assert quoted(text) == expected


@pytest.mark.parametrize(
    ("code", "expected"),
    [(3, "exit status 3"), (-9, "signal: killed"), (-15, "signal: terminated"), (-11, "signal: segmentation fault")],
)
def test_the_end_of_a_process_is_told_as_go_tells_it(code: int, expected: str) -> None:
    assert exit_text(code) == expected


@pytest.mark.parametrize(
    ("glob", "path", "matches"),
    [
        ("*.txt", "a.txt", True), ("*.txt", "d/a.txt", False), ("**.txt", "d/a.txt", True), ("d/**", "d/e/f", True),
        ("?.txt", "a.txt", True), ("?.txt", "/.txt", False), ("[a-c]x", "bx", True), ("[!a-c]x", "bx", False),
        ("[!a-c]x", "dx", True), ("[ab]x", "bx", True), ("{a,b/*}.txt", "b/c.txt", True), ("{a,b}.txt", "c.txt", False),
        ("a\\*", "a*", True), ("a\\*", "ab", False), ("a.b", "axb", False), ("a,b", "a,b", True),
    ],
)  # fmt: skip
def test_a_glob_matches_as_documented(glob: str, path: str, matches: bool) -> None:
    assert bool(compiled(glob).fullmatch(path)) == matches


@pytest.mark.parametrize("glob", ["[abc", "{a,b"])
def test_a_glob_that_is_not_closed_is_refused(glob: str) -> None:
    with pytest.raises(GlobError, match="is not closed"):
        compiled(glob)


def test_later_globs_take_back_what_earlier_ones_gave(tmp_path: Path) -> None:
    for name in ("src/index.js", "src/secret.js", "assets/logos/logo.svg", "other"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    globs = ["assets/**", "src/**.js", "!**secret.*"]
    assert matching_files(tmp_path, globs) == ["assets/logos/logo.svg", "src/index.js"]


@pytest.mark.parametrize("kind", ["pkcs8", "openssh", "rsa", "ec"])
def test_private_keys_are_read_in_every_usual_form(kind: str) -> None:
    key: ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey = KEY
    form = serialization.PrivateFormat.TraditionalOpenSSL
    if kind == "rsa":
        key = rsa.generate_private_key(65537, 2048)
    elif kind == "ec":
        key = ec.generate_private_key(ec.SECP256R1())
    else:
        form = serialization.PrivateFormat.PKCS8 if kind == "pkcs8" else serialization.PrivateFormat.OpenSSH
    pem = key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()
    public = key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH).decode()
    assert private_key(pem, None).asbytes() == host_key(public).blob


@pytest.mark.parametrize("form", [serialization.PrivateFormat.PKCS8, serialization.PrivateFormat.OpenSSH])
def test_an_encrypted_key_needs_its_password(form: serialization.PrivateFormat) -> None:
    pem = KEY.private_bytes(serialization.Encoding.PEM, form, serialization.BestAvailableEncryption(b"right")).decode()
    assert private_key(pem, "right").get_name() == "ssh-ed25519"
    with pytest.raises(KeyProblemError, match="passphrase protected"):
        private_key(pem, None)
    with pytest.raises(KeyProblemError):
        private_key(pem, "wrong")


def test_what_is_no_key_is_refused_without_being_shown() -> None:
    with pytest.raises(KeyProblemError, match="ssh: no key found") as caught:
        private_key("my secret", None)
    assert "my secret" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "ssh-ed25519", "ssh-ed25519 !!!", "ssh-rsa AAAAC3NzaC1lZDI1NTE5AAAAIA=="])
def test_what_is_no_host_key_is_refused(text: str) -> None:
    with pytest.raises(KeyProblemError, match="failed to parse host key"):
        host_key(text)


def test_output_is_logged_by_line_and_kept_whole() -> None:
    lines: list[str] = []
    captured = Captured(lines.append, "stdout")
    for stream, chunk in (("stdout", b"on"), ("stderr", b"hidden\n"), ("stdout", b"e\r\ntw"), ("stdout", b"o")):
        captured.add(stream, chunk)
    captured.finish("stdout")
    captured.finish("stderr")
    assert lines == ["one", "two"]
    assert captured.text("stdout") == "one\r\ntwo"
    assert captured.text("both") == "onhidden\ne\r\ntwo"
