"""What a stack may say about where images of containers come from. Pure; read through model.py."""

from __future__ import annotations

from dataclasses import dataclass, field

from components.settings import formats
from components.settings.about import Change, about


@dataclass(frozen=True)
class RegistryMirrors:
    """Where the images of one registry are looked for first."""

    registry: str = field(
        metadata=about(
            "The registry, as names of images begin with it, such as registry.k8s.io; Docker Hub's is docker.io.",
            Change.ROLLS_WORKERS,
            syntax=formats.REGISTRY,
        )
    )
    endpoints: tuple[str, ...] = field(
        default=(),
        metadata=about(
            "The mirrors, in the order in which they are asked; the registry itself is asked last. A mirror's API "
            "begins at its address with `/v2` behind it, unless that has `/v2` in it.",
            Change.ROLLS_WORKERS,
            maximum=5,
            syntax=formats.MIRROR,
        ),
    )


@dataclass(frozen=True)
class ContainerSettings:
    """Images of containers."""

    registry_mirrors: tuple[RegistryMirrors, ...] = field(
        default=(),
        metadata=about(
            "Mirrors of registries, for all images that machines pull. They are asked without credentials, over TLS, "
            "with a certificate of a public authority, and can give other content under a tag: name only those that "
            "you trust as you do the registry.",
            Change.ROLLS_WORKERS,
            maximum=20,
        ),
    )
