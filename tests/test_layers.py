"""Who may import whom: no module imports a higher floor, none imports in a circle, and pure ones stay without Pulumi.

Read from the text of the modules, imports within functions included: nothing is run.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from graphlib import CycleError, TopologicalSorter
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PARTS = ("components", "pricing", "policies", "operations", "sandbox", "tests")
# From the ground up. A module may import those of its own floor and of lower ones; the longest name counts.
FLOORS: tuple[tuple[str, ...], ...] = (
    ("components.addresses", "components.node", "components.ports", "components.tags", "components.timings"),
    ("components.settings",),
    ("components.plan", "components.previous_update"),
    ("components.machine_types", "components.zones"),
    (
        "components.access",
        "components.addons",
        "components.delivery",
        "components.identity",
        "components.kubeadm",
        "components.network",
        "components.network_plugins",
        "components.pki",
    ),
    ("components.region",),
    ("components.site",),
    ("components.machines",),
    ("components.backups", "components.checks"),
    (
        "components.api_endpoint",
        "components.control_plane",
        "components.etcd",
        "components.field_ownership",
        "components.kubernetes_provider",
    ),
    ("components.cluster", "components.outputs"),
    ("pricing",),
    ("policies",),
    ("operations",),
    ("__main__",),
)
# Beside the floors' order. Who stands on top of the components reads their pure parts only.
NEVER: tuple[tuple[str, str], ...] = (
    ("components.settings", "components.tags"),
    ("pricing", "components.machines"),
    ("__main__", "pricing"),
    ("__main__", "policies"),
    ("__main__", "operations"),
)
# Without Pulumi, themselves and through all that they import; so is every module that calls itself pure.
PURE = (
    "components.addresses",
    "components.delivery.effects",
    "components.node",
    "components.plan",
    "components.ports",
    "components.tags",
    "components.timings",
    "operations",
    "pricing",
)


def _name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def modules() -> Mapping[str, Path]:
    found = [path for part in PARTS for path in (ROOT / part).rglob("*.py")]
    return {_name(path): path for path in [ROOT / "__main__.py", *found]}


@cache
def tree(name: str) -> ast.Module:
    return ast.parse(modules()[name].read_text())


@cache
def imports(name: str) -> frozenset[str]:
    """What a module names in its imports: modules of the project in full, others by what stands after `import`."""
    return frozenset(_imports(name))


def _imports(name: str) -> Iterator[str]:
    for node in ast.walk(tree(name)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name} imports relative to itself: write the whole name"
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                yield whole if whole in modules() else str(node.module)


@cache
def graph() -> Mapping[str, frozenset[str]]:
    return {name: frozenset(imports(name) & set(modules())) - {name} for name in modules()}


def within(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")


def floor(name: str) -> int | None:
    return next((number for number, floor in enumerate(FLOORS) if any(within(name, each) for each in floor)), None)


def product() -> list[str]:
    """The modules that stand on a floor; packages' empty files say nothing."""
    return [
        name
        for name, path in modules().items()
        if name.split(".")[0] not in ("sandbox", "tests") and (path.name != "__init__.py" or path.stat().st_size)
    ]


def test_every_module_of_the_product_has_a_floor() -> None:
    assert [name for name in product() if floor(name) is None] == []


def test_no_module_imports_a_higher_floor() -> None:
    higher = [
        f"{name} imports {other}"
        for name in product()
        for other in sorted(graph()[name])
        if (there := floor(other)) is not None and there > (floor(name) or 0)
    ]
    assert higher == []


@pytest.mark.parametrize(("package", "other"), NEVER)
def test_these_never_meet(package: str, other: str) -> None:
    found = [
        f"{name} imports {one}"
        for name in modules()
        if within(name, package)
        for one in sorted(graph()[name])
        if within(one, other)
    ]
    assert found == []


def test_no_modules_import_each_other_in_a_circle() -> None:
    try:
        TopologicalSorter(graph()).prepare()
    except CycleError as error:
        pytest.fail(f"a circle: {' imports '.join(reversed(error.args[1]))}")


def test_the_node_program_is_made_of_the_standard_library() -> None:
    # Debian's cloud image has PyYAML, as cloud-init needs it; ports and timings are delivered with the program.
    allowed = {*sys.stdlib_module_names, "yaml"}
    foreign = [
        f"{name} imports {other}"
        for name in modules()
        if within(name, "components.node")
        for other in sorted(imports(name))
        if not (within(other, "components.node") or other in ("components.ports", "components.timings"))
        and other.split(".")[0] not in allowed
    ]
    assert foreign == []


def test_the_sandbox_is_imported_by_nobody_and_needs_no_tests() -> None:
    outside = [name for name in modules() if not within(name, "sandbox")]
    found = [f"{name} imports {other}" for name in outside for other in imports(name) if within(other, "sandbox")]
    for name in modules():
        if within(name, "sandbox") and not within(name, "sandbox.tests"):
            found += [f"{name} imports {other}" for other in imports(name) if re.match(r"(sandbox\.)?tests\b", other)]
    assert found == []


def test_tests_of_the_product_import_nothing_that_its_own_requirements_lack() -> None:
    lines = (ROOT / "requirements-dev.txt").read_text().splitlines()
    locked = {found[1] for line in lines if (found := re.match(r"([a-z0-9.-]+)==", line))}
    distributions = packages_distributions()
    lacking = {
        f"{name} imports {other}"
        for name in modules()
        if within(name, "tests")
        for other in imports(name)
        if (top := other.split(".")[0]) not in (*sys.stdlib_module_names, *PARTS)
        and not {re.sub("[._]", "-", each.lower()) for each in distributions.get(top, ())} & locked
    }
    assert lacking == set()


def _reachable(name: str) -> set[str]:
    found: set[str] = set()
    waiting = [name]
    while waiting:
        for other in graph()[waiting.pop()] - found:
            found.add(other)
            waiting.append(other)
    return found


def test_what_is_pure_never_imports_pulumi_not_even_through_another_module() -> None:
    def with_pulumi(name: str) -> bool:
        return any(other.partition(".")[0].partition("_")[0] == "pulumi" for other in imports(name))

    def says_pure(name: str) -> bool:
        return re.search(r"\bPure\b", ast.get_docstring(tree(name)) or "") is not None

    pure = [name for name in product() if says_pure(name) or any(within(name, one) for one in PURE)]
    assert len(pure) > 50
    found = [f"{name}, through {other}" for name in pure for other in {name, *_reachable(name)} if with_pulumi(other)]
    assert sorted(found) == []
