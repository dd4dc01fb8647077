"""Worker pools: the settings of machines that come and go. Pure; read by way of model.py."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from components.settings import formats
from components.settings.about import Change, about
from components.settings.choices import TaintEffect


@dataclass(frozen=True)
class Taint:
    """Keeps pods that don't tolerate it off a pool's nodes."""

    key: str = field(metadata=about("The taint's key.", syntax=formats.TAINT_KEY))
    effect: TaintEffect = field(metadata=about("What happens to pods that don't tolerate it."))
    value: str = field(default="", metadata=about("The taint's value.", syntax=formats.LABEL_VALUE))


@dataclass(frozen=True)
class WorkerPoolSettings:
    """A pool of interchangeable workers, kept by an Auto Scaling group."""

    name: str = field(
        metadata=about(
            "The pool's name, different from all others: renaming a pool makes a new one.",
            Change.REPLACES_MACHINE,
            syntax=formats.POOL_NAME,
        )
    )
    instance_type: str = field(
        default="t3.large",
        metadata=about("Machine type.", Change.REPLACES_MACHINE, syntax=formats.INSTANCE_TYPE),
    )
    minimum: int = field(default=1, metadata=about("Fewest machines.", minimum=0, maximum=5000))
    maximum: int = field(default=3, metadata=about("Most machines.", minimum=1, maximum=5000))
    root_volume_gib: int = field(
        default=30,
        metadata=about("Size of the root volume in GiB.", Change.REPLACES_MACHINE, minimum=20, maximum=16384),
    )
    labels: Mapping[str, str] = field(
        default_factory=dict,
        metadata=about(
            "Labels that its nodes register with.",
            Change.REPLACES_MACHINE,
            maximum=50,
            syntax=formats.LABEL_VALUE,
            key_syntax=formats.LABEL_KEY,
        ),
    )
    taints: tuple[Taint, ...] = field(
        default=(), metadata=about("Taints that its nodes register with.", Change.REPLACES_MACHINE, maximum=50)
    )
    zones: tuple[int, ...] = field(
        default=(),
        metadata=about(
            "The zones that it spreads over, by number, 1 to `network.zones`; empty means all.",
            maximum=6,
        ),
    )
    spot: bool = field(
        default=False,
        metadata=about("Spot machines: cheaper, and gone at two minutes' notice.", Change.REPLACES_MACHINE),
    )
