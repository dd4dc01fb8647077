"""Writes the samples under docs/samples: `python -m tests.operations.samples`. A test checks that they are current."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final

from operations.preview.comment import comment
from operations.preview.digest import read_preview
from operations.preview.review import review
from operations.report.page import report
from operations.report.render import html_page, markdown
from operations.stack_files import read_stack

CHECKOUT: Final = Path(__file__).resolve().parents[2]
RECORDED: Final = CHECKOUT / "tests/operations/preview/recorded"
_FOLDER: Final = CHECKOUT / "docs/samples"


@cache
def files() -> Mapping[Path, str]:
    """The samples of the checkout and what they have to say."""
    found = {}
    for stack_file in sorted((CHECKOUT / "stacks").glob("Pulumi.*.yaml")):
        page = report(read_stack(stack_file.name.split(".")[1], stack_file.parent))
        name = stack_file.name.split(".")[1]
        found[_FOLDER / f"report-{name}.md"] = markdown(page)
        found[_FOLDER / f"report-{name}.html"] = html_page(page)
    for recorded in sorted(RECORDED.glob("*.json")):
        stack = recorded.stem.partition("-")[0]
        events = recorded.with_suffix(".events")
        preview = read_preview(recorded.read_text(), events.read_text().splitlines() if events.exists() else ())
        found[_FOLDER / f"comment-{recorded.stem}.md"] = comment(review(stack, preview))
    return found


def main() -> None:
    """Writes every sample."""
    _FOLDER.mkdir(parents=True, exist_ok=True)
    for path, text in files().items():
        path.write_text(text)
        print(f"wrote {path.relative_to(CHECKOUT)}")


if __name__ == "__main__":
    main()
