"""What stands before the environment: `make` itself looks at the Python that it is to be made with."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[3]


def make_with(python: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """`make environment` in a copy, with a Python of that release."""
    (folder / "sandbox").mkdir()
    for name in ("Makefile", "requirements-dev.txt", "sandbox/requirements.txt"):
        shutil.copy(CHECKOUT / name, folder / name)
    pretended = folder / "python"
    program = f'exec {sys.executable} -c "import sys; sys.version_info = ({python}); $2"'
    pretended.write_text(f'#!/bin/sh\n[ "$1" = -c ] || exit 9\n{program}\n')
    pretended.chmod(0o755)
    command = ["make", "--directory", str(folder), "environment", f"PYTHON={pretended}"]
    return subprocess.run(command, capture_output=True, text=True)


def test_an_old_python_is_refused_before_an_environment_is_made(tmp_path: Path) -> None:
    outcome = make_with("3, 10, 12", tmp_path)
    assert outcome.returncode != 0
    assert "quorate needs Python 3.11 or newer; set PYTHON=..." in outcome.stderr
    assert not (tmp_path / ".venv").exists()


def test_a_newer_python_passes_the_gate(tmp_path: Path) -> None:
    outcome = make_with("3, 12, 1", tmp_path)
    assert "needs Python" not in outcome.stderr
    assert "Error 9" in outcome.stderr, "the step after the gate was not reached"
