"""How operators and the program reach machines: the SSH key, and each machine's pinned host key."""

from __future__ import annotations

import pulumi_aws as aws
import pulumi_tls as tls
from pulumi import ComponentResource, Output, ResourceOptions

from components.plan import host_key_parameter
from components.tags import Tags


class OperatorKey(ComponentResource):
    """The key pair that may log in to every machine."""

    name: Output[str]
    private_key: Output[str]

    def __init__(self, name: str, tags: Tags, opts: ResourceOptions | None = None) -> None:
        super().__init__("quorate:index:OperatorKey", name, None, opts)
        key = tls.PrivateKey(f"{name}-key", algorithm="ED25519", opts=ResourceOptions(parent=self))
        pair = aws.ec2.KeyPair(
            f"{name}-pair",
            public_key=key.public_key_openssh,
            tags=tags.named("operator"),
            opts=ResourceOptions(parent=self),
        )
        self.name = pair.key_name
        self.private_key = key.private_key_openssh
        self.register_outputs({})


class HostKey(ComponentResource):
    """A machine's SSH host key, known before the machine exists, so that the first connection already verifies it.

    The private half reaches the machine through the parameter store, where the machine's role alone may read it.
    """

    public_key: Output[str]
    parameter_name: str
    parameter: aws.ssm.Parameter

    def __init__(self, name: str, cluster: str, machine: str, tags: Tags, opts: ResourceOptions | None = None) -> None:
        super().__init__("quorate:index:HostKey", name, None, opts)
        key = tls.PrivateKey(f"{name}-key", algorithm="ED25519", opts=ResourceOptions(parent=self))
        self.parameter_name = host_key_parameter(cluster, machine)
        self.parameter = aws.ssm.Parameter(
            f"{name}-parameter",
            name=self.parameter_name,
            type="SecureString",
            value=key.private_key_openssh,
            description=f"SSH host key of {machine}",
            tags=tags.named(f"{machine}-ssh-host-key"),
            # The name is fixed, so the old one must go first.
            opts=ResourceOptions(parent=self, delete_before_replace=True),
        )
        self.public_key = key.public_key_openssh
        self.register_outputs({})
