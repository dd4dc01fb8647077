"""Changes of the sound stack that several cases need."""

from __future__ import annotations

import base64
import gzip
from dataclasses import replace
from typing import Any, Final

from policies.values import UNKNOWN
from tests.policies.edits import Change, adding, all_of, options, removing, setting
from tests.policies.sound_stack import machine, made, node_env, policy, tags, urn

OPEN: Final = "0.0.0.0/0"
NEW: Final = {"id": UNKNOWN, "arn": UNKNOWN}


def parts(kind: str, number: int) -> tuple[str, ...]:
    """The names of a machine's resources."""
    return tuple(f"large-{kind}-{number}-{part}" for part in ("instance", "interface", "etcd", "configure"))


def without(kind: str, *numbers: int) -> Change:
    return removing(*(name for number in numbers for name in parts(kind, number)))


def more(kind: str, *numbers: int) -> Change:
    """Further machines, which are there already."""
    return adding(*(resource for number in numbers for resource in machine(kind, number)))


def stacked() -> Change:
    """Members on the control-plane machines in place of machines of their own."""
    volumes = []
    for number in range(3):
        (volume,) = (resource for resource in machine("etcd", number) if resource.name.endswith("-etcd"))
        name = f"large-control-plane-{number}-etcd"
        volumes.append(replace(volume, name=name, urn=urn("volume", name)))
    return all_of(without("etcd", 0, 1, 2), adding(*volumes))


def replaced(kind: str, *numbers: int) -> Change:
    """The preview plans new instances, on the disks that are there."""
    return all_of(*(options("instance", f"large-{kind}-{number}-instance", outputs=NEW) for number in numbers))


def added(kind: str, *numbers: int) -> Change:
    """The preview plans new machines, disks and addresses included."""
    disks = [options("volume", f"large-{kind}-{number}-etcd", outputs=NEW) for number in numbers if kind == "etcd"]
    addresses = [options("interface", f"large-{kind}-{number}-interface", outputs=NEW) for number in numbers]
    return all_of(replaced(kind, *numbers), *disks, *addresses)


def in_zone(number: int, zone: Any) -> Change:
    """Where a member's disk stands."""
    return setting("volume", f"large-etcd-{number}-etcd", "availabilityZone", to=zone)


def in_subnet_of(kind: str, number: int, other: int) -> Change:
    subnet = {"subnetId": (urn("subnet", f"large-private-{other}"),)}
    return options("interface", f"large-{kind}-{number}-interface", references=subnet)


def opened(
    first: int, last: int | None = None, network: Any = OPEN, protocol: Any = "tcp", key: str = "cidrIpv4"
) -> Change:
    ports: dict[str, Any] = {"fromPort": first, "toPort": last or first, key: network}
    return adding(made("ingress", "large-open", ipProtocol=protocol, tags=tags("open"), **ports))


def opened_old_style(port: int) -> Change:
    ports: dict[str, Any] = {"type": "ingress", "fromPort": port, "toPort": port}
    return adding(made("old-ingress", "large-old", protocol="tcp", cidrBlocks=[OPEN], **ports))


def opened_inline(port: int) -> Change:
    entry = {"protocol": "tcp", "fromPort": port, "toPort": port, "cidrBlocks": ["10.0.0.0/8", OPEN]}
    return adding(made("security-group", "large-inline", ingress=[entry], tags=tags("inline")))


def workers_may(**statement: object) -> Change:
    return setting("policy", "large-workers-policy", "policy", to=policy({"Effect": "Allow", **statement}))


def trusting(principal: object) -> Change:
    statement = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": principal}
    return setting("role", "large-workers-role", "assumeRolePolicy", to=policy(statement))


def of_template(**props: Any) -> Change:
    return all_of(*(setting("template", "large-general", key, to=value) for key, value in props.items()))


def of_member(**props: Any) -> Change:
    """Properties of the first member's instance."""
    return all_of(*(setting("instance", "large-etcd-0-instance", key, to=value) for key, value in props.items()))


def of_targets(*path: str, to: Any) -> Change:
    return setting("targets", "large-api", *path, to=to)


def of_command(key: str, value: Any) -> Change:
    return setting("command", "large-etcd-0-configure", key, to=value)


def packed(text: str) -> str:
    return base64.b64encode(gzip.compress(text.encode())).decode()


def server_runs(number: int, version: str) -> Change:
    return setting("command", f"large-control-plane-{number}-configure", "stdin", to=node_env(version))


def workers_run(version: str) -> Change:
    return of_template(
        userData=packed(
            "#cloud-config\nwrite_files:\n- path: /etc/quorate/node.env\n"
            f'  content: "A=b\\nKUBERNETES_VERSION={version}\\n"\n'
        )
    )


def plugin_says(manifest: Any) -> Change:
    return setting("command", "large-network-plugin", "stdin", to=manifest)


def runs_image(image: str, key: str = "containers") -> Change:
    return setting("deployment", "large-web", "spec", to={"template": {"spec": {key: [{"image": image}]}}})
