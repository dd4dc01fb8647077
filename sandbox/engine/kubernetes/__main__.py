"""The executable of the plugin: prints its port and serves until the engine ends it."""

from sandbox.engine.kubernetes.plugin import KubernetesPlugin
from sandbox.engine.plugin.server import serve


def main() -> None:
    serve(KubernetesPlugin)


if __name__ == "__main__":
    main()
