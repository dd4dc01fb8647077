"""The `kubernetes` resource plugin: pulumi-kubernetes 4.34.2 as a program observes it, against any API server."""
