"""Programs of the operator's machine that stand in for those which would leave it."""

from __future__ import annotations

from pathlib import Path


def program(folder: Path, name: str, text: str = "", complaint: str = "", status: int = 0) -> None:
    """One that prints this and ends so; NAME.calls in the folder has a line of arguments for each call."""
    (folder / f"{name}.out").write_text(text)
    (folder / f"{name}.err").write_text(complaint)
    script(
        folder,
        name,
        f"""printf '%s\\n' "$*" >>{folder}/{name}.calls
while IFS= read -r line || [[ $line ]]; do printf '%s\\n' "$line"; done <{folder}/{name}.out
while IFS= read -r line || [[ $line ]]; do printf '%s\\n' "$line" >&2; done <{folder}/{name}.err
exit {status}
""",
    )


def script(folder: Path, name: str, text: str) -> None:
    """One in bash."""
    here = folder / name
    here.write_text(f"#!/bin/bash\n{text}")
    here.chmod(0o755)


def machines_here(folder: Path) -> None:
    """`ssh` that runs a machine's command on this one, as a shell reads it, with QUORATE_MACHINE as its address.

    ssh.calls has a line of options for each call.
    """
    script(
        folder,
        "ssh",
        f"""printf '%s\\n' "$*" >>{folder}/ssh.calls
command=${{@: -1}} address=${{@: -2:1}}
QUORATE_MACHINE=${{address#admin@}} exec bash -c "$command"
""",
    )
    script(folder, "sudo", '[[ $1 == -n && $2 == -- ]] || exit 97\nshift 2\nexec "$@"\n')
