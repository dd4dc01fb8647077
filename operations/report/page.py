"""The report of a stack, from its settings alone. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from operations.report.blocks import Block, Drawing, Page, Paragraph, Section, Table
from operations.report.drawing import text_drawing
from operations.report.svg import svg
from operations.shapes import Shape, shapes
from operations.sizes import limit_rows, size_for, warnings
from operations.stack_files import Stack
from operations.survival import Outcome, can_be_lost, outcomes, quorum_table
from pricing.bill import NOT_INCLUDED, bill
from pricing.tables import (
    Prices,
    Size,
    control_plane_sizes,
    drills,
    etcd_sizes,
    limits,
    priced_regions,
    prices,
    size_source,
)
from pricing.topology import Topology, topology


def report(stack: Stack) -> Page:
    """What a stack is, costs, survives and is limited by."""
    settings, built, table = stack.settings, topology(stack.settings), prices(stack.region)
    return Page(
        f"Stack {stack.name}: cluster {settings.cluster.name} in {stack.region or 'no region'}",
        (
            Section("In short", tuple(_summary(stack, built, table))),
            Section("Topology", (Drawing(svg(built), text_drawing(built)),)),
            Section("Cost per month", tuple(cost_blocks(built, table, stack.region))),
            Section("What fails, and what happens then", tuple(_failures(outcomes(built, drills())))),
            Section("Quorum", tuple(_quorum(built))),
            Section("Side by side", tuple(_shapes(shapes(settings, table), table))),
            Section("Sizes by number of nodes", tuple(_sizes(built))),
            Section("Limits", tuple(_limits(stack, built))),
        ),
    )


def money(amount: float | None) -> str:
    """USD with two decimals, or `?` for what has no price."""
    return "?" if amount is None else f"{amount:,.2f}"


def survives(built: Topology) -> str:
    """What the API survives, in a line."""
    parts = [f"{built.tolerated_members()} of {len(built.members)} etcd members"]
    lost = len(built.control_planes) - 1
    parts.append(f"{lost} of {len(built.control_planes)} control-plane machines")
    if built.zones > 1 and built.survives_any_zone():
        parts.append("any one zone")
    else:
        parts.append("no zone" if built.zones == 1 else "not every zone")
    return "The API survives the loss of " + ", ".join(parts) + "."


def _summary(stack: Stack, built: Topology, table: Prices | None) -> Iterator[Block]:
    low, high = built.nodes
    count = str(low) if low == high else f"{low} to {high}"
    nodes = f"{count} node{'s' if high > 1 else ''}"
    machines = f"{len(built.control_planes)} control plane, etcd {built.etcd} with {len(built.members)}"
    yield Paragraph(f"{nodes}; {machines}; {built.zones} zone{'s' if built.zones > 1 else ''}.")
    yield Paragraph(survives(built))
    yield Paragraph(f"With etcd's data, or by mistake, can be lost: {can_be_lost(built)}")
    if table:
        yield Paragraph(f"About {money(bill(built, table).total)} USD per month before traffic.")
    for warning in warnings(stack.settings, built):
        yield Paragraph(warning, warning=True)


def cost_blocks(built: Topology, table: Prices | None, region: str) -> Iterator[Block]:
    """The bill by part, and what it is made from."""
    if table is None:
        yield Paragraph(
            f"No prices are recorded for {region or 'a stack without a region'}; there are prices for "
            f"{', '.join(priced_regions())} (pricing/data/prices.json).",
            warning=True,
        )
        return
    costs = bill(built, table)
    rows = [
        (line.part, f"{line.count:,}", line.unit, "?" if line.each is None else f"{line.each:,.4g}", money(line.total))
        for line in costs.lines
    ]
    rows.append(("total", "", "", "", money(costs.total)))
    yield Table(
        ("part", "count", "of", "USD each", "USD per month"),
        tuple(rows),
        frozenset({len(rows) - 1}),
        frozenset({1, 3, 4}),
    )
    if costs.further_at_maximum:
        yield Paragraph(f"With all pools at their maximum: {money(costs.further_at_maximum)} USD per month more.")
    for instance_type in costs.unpriced:
        yield Paragraph(f"The price table lacks {instance_type}: so the total is too low.", warning=True)
    yield Paragraph(
        f"Prices of {table.region}, recorded {table.recorded} ({table.source}); a month has {table.hours_per_month} "
        f"hours. Not included: {NOT_INCLUDED}."
    )


def _failures(found: tuple[Outcome, ...]) -> Iterator[Block]:
    rows = tuple((o.failure, o.api, o.how_long, o.measured or "-", o.workloads, o.remedy) for o in found)
    stops = frozenset(number for number, outcome in enumerate(found) if outcome.api_stops)
    yield Table(("failure", "the API", "for how long", "measured", "pods", "what to do"), rows, stops)
    yield Paragraph("Marked rows stop the API. Measured times are shown where a cluster of this shape was drilled.")
    for source in dict.fromkeys(outcome.source for outcome in found if outcome.source):
        yield Paragraph(f"Measured with: {source}.")


def _quorum(built: Topology) -> Iterator[Block]:
    rows = quorum_table(len(built.members))
    yield Table(
        ("members", "majority", "may be lost"),
        tuple((str(row.members), str(row.majority), str(row.losses)) for row in rows),
        frozenset(number for number, row in enumerate(rows) if row.here),
        frozenset({0, 1, 2}),
    )
    yield Paragraph("An even count survives no more than the odd one below it, with one more machine that can fail.")


def _shapes(found: tuple[Shape, ...], table: Prices | None) -> Iterator[Block]:
    rows = tuple(
        (s.name, s.machines, money(s.monthly), s.machine_lost, s.zone_lost, s.members_lost, s.who_runs_it)
        for s in found
    )
    yield Table(
        (
            "shape",
            "machines",
            "USD per month",
            "control plane lost",
            "zone lost",
            "members that may be lost",
            "run by",
        ),
        rows,
        frozenset(number for number, shape in enumerate(found) if shape.here),
        frozenset({2}),
    )
    here = next((shape for shape in found if shape.here and shape.monthly is not None), None)
    dev = next((shape for shape in found if shape.name == "dev"), None)
    if table and here and dev and dev.monthly is not None and here.name in ("stacked", "external") and here.monthly:
        yield Paragraph(
            f"High availability costs {money(here.monthly - dev.monthly)} USD per month more than one control plane "
            "with the same workers. It buys the rows above that no longer stop the API."
        )
    yield Paragraph(
        "All shapes have the same worker pools at their minimum; those with several control planes have 3 zones."
    )


def _sizes(built: Topology) -> Iterator[Block]:
    nodes = built.nodes[1]
    yield _size_table("control plane: up to nodes", control_plane_sizes(), nodes)
    yield _size_table("etcd: up to nodes", etcd_sizes(), nodes)
    yield Paragraph(
        f"Marked: {nodes:,} nodes, this cluster's maximum. "
        f"Sources: {size_source('control_plane')}; {size_source('etcd')}."
    )


def _size_table(title: str, sizes: tuple[Size, ...], nodes: int) -> Table:
    rows = tuple(
        (f"{size.nodes:,}", str(size.cpus), f"{size.memory_gib}", f"{size.iops:,}" if size.iops else "-", size.example)
        for size in sizes
    )
    marked = frozenset({sizes.index(size_for(nodes, sizes))})
    return Table((title, "CPUs", "GiB", "disk operations/s", "such as"), rows, marked, frozenset({0, 1, 2, 3}))


def _limits(stack: Stack, built: Topology) -> Iterator[Block]:
    rows = limit_rows(stack.settings, built)
    yield Table(
        ("limit", "at most", "here, at the pools' maximum"),
        tuple((row.subject, f"{row.limit:,}", f"{row.here:,}") for row in rows),
        frozenset(number for number, row in enumerate(rows) if not row.kept),
        frozenset({1, 2}),
    )
    yield Paragraph(f"Source: {limits()['source']}.")
