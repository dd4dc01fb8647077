"""What a measurement of speed found, as Markdown."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from sandbox.bench.speed import Measurement, UpRun
from sandbox.bench.tables import seconds, table

BAR = 1.5


def report(stack: str, found: Measurement) -> str:
    """Parts of `pulumi up`, the steps by hand, ratios, calibration, what it uses."""
    count = f"{len(found.ups)} run{'s' if len(found.ups) > 1 else ''}"
    head = "seconds: median (range)"
    hands = [sum(run.values()) for run in found.hands]
    to_ready = [run.times.boot_to_ready for run in found.ups]
    after_preparation = [run.times.preparation_to_ready for run in found.ups]

    def of_ups(figure: Callable[[UpRun], float]) -> str:
        return seconds([figure(run) for run in found.ups])

    return "\n".join(
        [
            table(
                (f"`pulumi up --stack {stack}`, {head}", count),
                [
                    *_columns([run.times.parts for run in found.ups]),
                    ("**all**", f"**{of_ups(lambda run: run.total)}**"),
                ],
            ),
            table(
                (f"the same steps by hand on booted and prepared machines, {head}", count),
                [
                    *_columns(found.hands),
                    ("**all by hand**", f"**{seconds(hands)}**"),
                    ("`pulumi up`, from the last machine's boot to every node Ready", seconds(to_ready)),
                    (f"ratio, run by run (the bar is {BAR})", _ratios(to_ready, hands)),
                    (
                        "`pulumi up`, from the last machine's preparation to every node Ready",
                        seconds(after_preparation),
                    ),
                    ("ratio, run by run", _ratios(after_preparation, hands)),
                ],
            ),
            table(
                ("what it uses, median (range)", count),
                [
                    ("CPU seconds of booting a bare machine (calibration)", seconds(found.boot_cpu_seconds)),
                    ("machines", str(found.ups[0].machines)),
                    ("CPU seconds of all machines until the end of `up`", of_ups(lambda run: run.use.cpu_seconds)),
                    ("CPU seconds of pulumi and its plugins", of_ups(lambda run: run.pulumi_cpu_seconds)),
                    ("CPU seconds of the supervisor and its children", of_ups(lambda run: run.sandbox_cpu_seconds)),
                    ("all machines: anonymous memory, MiB", of_ups(lambda run: run.use.anonymous_mib)),
                    ("all machines: working set, MiB", of_ups(lambda run: run.use.working_set_mib)),
                    ("supervisor and its children, MiB", of_ups(lambda run: run.sandbox_mib)),
                    ("all machines at rest, cores", of_ups(lambda run: run.cores_at_rest)),
                ],
            ),
        ]
    )


def _columns(runs: Sequence[Mapping[str, float]]) -> list[tuple[str, str]]:
    return [(name, seconds([run[name] for run in runs])) for name in runs[0]]


def _ratios(ours: Sequence[float], theirs: Sequence[float]) -> str:
    return seconds([one / other for one, other in zip(ours, theirs, strict=True)], digits=2)
