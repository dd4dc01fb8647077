"""The formats that settings are written in: names, versions, networks, sizes, labels, tags. Pure."""

from __future__ import annotations

import re
from ipaddress import AddressValueError, IPv4Network, NetmaskValueError
from typing import Final

from components.settings.regions import refuse_region
from components.settings.syntax import Syntax

_LABEL: Final = r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"
_DOMAIN: Final = rf"{_LABEL}(\.{_LABEL})*"
_SHORT_LABEL: Final = r"[a-z]([-a-z0-9]{0,18}[a-z0-9])?"
_NAME_PART: Final = r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"
_NUMBER: Final = r"(0|[1-9][0-9]{0,3})"

TAKEN_DOMAINS: Final = {
    "cluster.local": "pods resolve it inside the cluster",
    "compute.internal": "AWS's resolver answers it",
    "ec2.internal": "AWS's resolver answers it",
    "amazonaws.com": "AWS's own services live there",
    "in-addr.arpa": "it is for addresses, not for names",
    "invalid": "resolvers answer that it doesn't exist",
    "ip6.arpa": "it is for addresses, not for names",
    "localhost": "resolvers answer with the machine's own address",
    "onion": "resolvers answer that it doesn't exist",
}
_LABEL_OF_THE_PROGRAM: Final = "node.kubernetes.io/instance-type"
_LABEL_PREFIX_OF_THE_PROGRAM: Final = "quorate/"
_LABEL_PREFIXES_OPEN_TO_NODES: Final = ("kubelet.kubernetes.io/", "node.kubernetes.io/")
# What the cluster's own controllers set and take away again.
_TAINT_PREFIXES_OF_THE_CLUSTER: Final = ("node.kubernetes.io/", "node.cloudprovider.kubernetes.io/")
_TAINTS_OF_AN_AUTOSCALER: Final = ("DeletionCandidateOfClusterAutoscaler", "ToBeDeletedByClusterAutoscaler")
# In place of a worker's zone in what its pool shares: each machine writes its own there.
ZONE_OF_THE_MACHINE: Final = "ZONE_OF_THE_MACHINE"
_TAGS_OF_THE_PROGRAM: Final = ("name",)
_TAG_PREFIX_OF_THE_PROGRAM: Final = "quorate:"
_NAMES_OF_DOCKER_HUB: Final = ("hub.docker.com", "index.docker.io", "registry-1.docker.io", "registry.hub.docker.com")
_HIGHEST_PORT: Final = 65535
_NEWEST_ETCD_MINOR: Final = 7
_CONTAINERD_MINORS: Final = (1, 4)
_BYTES_IN: Final = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30}
# Families without hardware virtualization, which machine images need.
_PARAVIRTUAL: Final = ("c1", "m1", "m2", "t1")


def _check_domain(text: str) -> str | None:
    if len(text) > 200:
        return "Shorten it to 200 characters, so that host names in it stay below DNS's limit of 253."
    for taken, reason in TAKEN_DOMAINS.items():
        if text == taken or text.endswith(f".{taken}"):
            return f"Choose another domain: {taken} is taken, {reason}."
    return None


def _check_kubernetes_version(text: str) -> str | None:
    if not 35 <= int(text.split(".")[1]) <= 37:
        return "Choose a 1.35, 1.36 or 1.37 version: upstream maintains these, and quorate supports no others."
    return None


def _check_etcd_version(text: str) -> str | None:
    if tuple(int(part) for part in text.split(".")) < (3, 6, 11):
        return "Choose 3.6.11 or later: earlier members can't be upgraded to 3.7 one by one."
    if int(text.split(".")[1]) > _NEWEST_ETCD_MINOR:
        return f"Choose a 3.6 or 3.{_NEWEST_ETCD_MINOR} version: quorate knows none after it."
    return None


def _check_containerd_version(text: str) -> str | None:
    oldest, newest = _CONTAINERD_MINORS
    if not oldest <= int(text.split(".")[1]) <= newest:
        return f"Choose a version from 2.{oldest} to 2.{newest}, such as 2.3.7: quorate knows no others."
    return None


def _check_network(text: str) -> str | None:
    try:
        network = IPv4Network(text, strict=False)
    except (AddressValueError, NetmaskValueError):
        plain = re.sub(r"\b0+(?=[0-9])", "", text)
        if plain != text:
            return f"Write it without leading zeros, which some programs read as octal: {plain}."
        return NETWORK.remedy
    if str(network) != text:
        return f"The address has bits set beyond the prefix length. Write {network}, or change the prefix length."
    return None


def _check_instance_type(text: str) -> str | None:
    family = text.split(".", 1)[0]
    if family.startswith("mac"):
        return "Choose an x86-64 type such as t3.medium: mac types run macOS."
    parsed = re.fullmatch(r"([a-z]+)([0-9]+)([a-z]*)(-.*)?", family)
    if parsed and (family == "a1" or "g" in parsed[3] or (parsed[4] or "").startswith("-gb")):
        return "Choose an x86-64 type such as t3.medium or m7i.large: this one is ARM, and the machine images aren't."
    if family in _PARAVIRTUAL:
        return "Choose a current type such as t3.medium or m7i.large: this family can't boot the machine images."
    return None


def _check_byte_quantity(text: str) -> str | None:
    number, unit = re.fullmatch(r"([0-9]+)([A-Za-z]*)", text).groups()  # type: ignore[union-attr]
    if int(number) * _BYTES_IN[unit] < 2**20:
        return "Choose 1Mi or more, such as 10Mi: a smaller log is rotated away before anybody can read it."
    return None


def _check_aws_service(text: str) -> str | None:
    if text.startswith(("com.amazonaws.", "aws.", "cn.com.")):
        return f"Write the service without the name's beginning, such as {text.rpartition('.')[2] or 'ssm'}."
    return None


def _check_label_value(text: str) -> str | None:
    if ZONE_OF_THE_MACHINE in text:
        return f"Choose another value: machines replace {ZONE_OF_THE_MACHINE} by their zone."
    return None


def _check_label_key(text: str) -> str | None:
    prefix = text.rpartition("/")[0]
    if len(prefix) > 253:
        return "Shorten the part before the slash to 253 characters."
    if ZONE_OF_THE_MACHINE in text:
        return f"Choose another key: machines replace {ZONE_OF_THE_MACHINE} by their zone."
    if text == _LABEL_OF_THE_PROGRAM:
        return "Remove it: quorate gives every node of a pool this label itself."
    if text.startswith(_LABEL_PREFIX_OF_THE_PROGRAM):
        return "Remove it, or use a prefix of your own: labels under quorate/ are those that quorate gives itself."
    reserved = prefix in ("kubernetes.io", "k8s.io") or prefix.endswith((".kubernetes.io", ".k8s.io"))
    if reserved and not text.startswith(_LABEL_PREFIXES_OPEN_TO_NODES):
        return (
            "Use a prefix of your own: a node may not label itself under kubernetes.io or k8s.io, "
            "except under node.kubernetes.io and kubelet.kubernetes.io."
        )
    return None


def _check_taint_key(text: str) -> str | None:
    if len(text.rpartition("/")[0]) > 253:
        return "Shorten the part before the slash to 253 characters."
    if text.startswith("node-role.kubernetes.io/"):
        return "Use a key of your own: taints under node-role.kubernetes.io/ mark control planes."
    if text.startswith(_LABEL_PREFIX_OF_THE_PROGRAM):
        return "Use a prefix of your own: quorate/ is for what quorate sets itself."
    if text.startswith(_TAINT_PREFIXES_OF_THE_CLUSTER) or text in _TAINTS_OF_AN_AUTOSCALER:
        return "Use a key of your own: the cluster's controllers set this taint and remove it again."
    if ZONE_OF_THE_MACHINE in text:
        return f"Choose another key: machines replace {ZONE_OF_THE_MACHINE} by their zone."
    return None


def _check_registry(text: str) -> str | None:
    host, colon, port = text.partition(":")
    if host in _NAMES_OF_DOCKER_HUB:
        return "Write docker.io: names of images of Docker Hub begin with that, or stand for it."
    if colon and not 1 <= int(port) <= _HIGHEST_PORT:
        return f"Write a port from 1 to {_HIGHEST_PORT}, or none for 443."
    if "." not in host:
        return "Write the registry's whole name: containerd takes a name without a dot for a part of Docker Hub."
    return None


def _check_tag_key(text: str) -> str | None:
    if text.lower().startswith("aws:"):
        return "Choose another key: AWS reserves the prefix aws:."
    if text.lower().startswith("kubernetes.io/"):
        return (
            "Leave it out: these tags go to every resource, and controllers of AWS take kubernetes.io/… for what a "
            "single subnet or security group is. docs/aws.md says how they find them here."
        )
    if text.lower() in _TAGS_OF_THE_PROGRAM or text.lower().startswith(_TAG_PREFIX_OF_THE_PROGRAM):
        return (
            "Choose another key: Name and quorate:… are set by the program, per resource, and IAM takes no two keys "
            "that differ by case only."
        )
    return None


CLUSTER_NAME: Final = Syntax(
    "DNS label of 1 to 20 characters",
    _SHORT_LABEL,
    "Use 1 to 20 lower-case letters, digits and hyphens, starting with a letter and not ending in a hyphen: "
    "the name becomes part of DNS names and of names in AWS, which are limited to 32 characters.",
)
POOL_NAME: Final = Syntax(
    "DNS label of 1 to 20 characters",
    _SHORT_LABEL,
    "Use 1 to 20 lower-case letters, digits and hyphens, starting with a letter and not ending in a hyphen.",
)
DOMAIN: Final = Syntax(
    "DNS domain",
    _DOMAIN,
    "Write a domain in lower case, without a trailing dot, such as quorate.internal.",
    _check_domain,
)
KUBERNETES_VERSION: Final = Syntax(
    "version 1.35.x to 1.37.x",
    rf"1\.{_NUMBER}\.{_NUMBER}",
    'Write the full version without a v, in quotes if it could be read as a number, such as "1.36.4".',
    _check_kubernetes_version,
)
CONTAINERD_VERSION: Final = Syntax(
    "version 2.1.x to 2.4.x",
    rf"2\.{_NUMBER}\.{_NUMBER}",
    'Write a full version of containerd 2, such as "2.3.7": containerd 1.7 has reached its end of life.',
    _check_containerd_version,
)
ETCD_VERSION: Final = Syntax(
    "version 3.6.11 to 3.7.x",
    rf"3\.{_NUMBER}\.{_NUMBER}",
    'Write a full version without a v, 3.6.11 or later, such as "3.6.14".',
    _check_etcd_version,
)
SHA256: Final = Syntax(
    "SHA-256 in hexadecimal, or nothing",
    r"([0-9a-f]{64})?",
    "Write the 64 hexadecimal digits, lower-case, that the release's SHA256SUMS lists for the archive.",
)
PLUGIN_VERSION: Final = Syntax(
    "version x.y.z",
    rf"{_NUMBER}\.{_NUMBER}\.{_NUMBER}",
    'Write the full version without a v: such as "0.28.4" for Flannel, "3.31.0" for Calico.',
)
NETWORK: Final = Syntax(
    "IPv4 network",
    r"[0-9]{1,3}(\.[0-9]{1,3}){3}/[0-9]{1,2}",
    "Write an IPv4 network such as 10.20.0.0/16: four numbers up to 255, a slash, and a prefix length up to 32 "
    "(/32 for a single address). The cluster has no IPv6.",
    _check_network,
)
INSTANCE_TYPE: Final = Syntax(
    "EC2 instance type, x86-64",
    r"[a-z]+(-[a-z]*)?[0-9][a-z0-9]*(-[a-z0-9]+)*\.[a-z0-9]+(-[a-z0-9]+)*",
    "Write an EC2 instance type, family and size: t3.medium, m7i.large.",
    _check_instance_type,
)
BYTE_QUANTITY: Final = Syntax(
    "quantity of bytes, 1Mi or more",
    r"[1-9][0-9]{0,8}(Ki|Mi|Gi|k|M|G)?",
    "Write a quantity as Kubernetes does, such as 10Mi.",
    _check_byte_quantity,
)
ARGUMENT_NAME: Final = Syntax(
    "name of an argument, without leading dashes",
    r"[a-z][a-z0-9]*(-[a-z0-9]+)*",
    "Write the argument's name without leading dashes, such as audit-log-maxage.",
)
ARGUMENT_VALUE: Final = Syntax(
    "a line of text",
    r"[^\x00-\x1f\x7f]{1,2000}",
    "Write a value of 1 to 2000 characters on one line.",
)
LABEL_KEY: Final = Syntax(
    "label key",
    rf"({_DOMAIN}/)?{_NAME_PART}",
    "Write a label key: letters, digits, hyphens, underscores and dots, up to 63, with an optional domain/ prefix.",
    _check_label_key,
)
LABEL_VALUE: Final = Syntax(
    "label value",
    rf"({_NAME_PART})?",
    "Write up to 63 letters, digits, hyphens, underscores and dots, beginning and ending with a letter or digit.",
    _check_label_value,
)
TAINT_KEY: Final = Syntax("taint key", LABEL_KEY.pattern, LABEL_KEY.remedy.replace("label", "taint"), _check_taint_key)
AWS_SERVICE: Final = Syntax(
    "name of an AWS service",
    r"(?=.{1,63}$)[a-z0-9]+([-.][a-z0-9]+)*",
    "Write the service's name as in its endpoint, such as ssm, ec2, or ecr.api.",
    _check_aws_service,
)
PROVISIONER: Final = Syntax(
    "name of a CSI driver, or nothing",
    rf"({_DOMAIN})?",
    "Write the driver's name, such as ebs.csi.aws.com.",
)
CLASS_PARAMETER: Final = Syntax(
    "name of a StorageClass parameter",
    r"[A-Za-z0-9]([-A-Za-z0-9_./]{0,251}[A-Za-z0-9])?",
    "Write the parameter as the driver names it, such as type.",
)
REGISTRY: Final = Syntax(
    "host of a registry",
    rf"(?=[^:]{{1,253}}(:|$)){_DOMAIN}(:[0-9]{{1,5}})?",
    "Write the registry's host name in lower case, with a port if it has one, such as registry.k8s.io: no https://, "
    "no path.",
    _check_registry,
)
MIRROR: Final = Syntax(
    "https:// address",
    rf"https://(?=[^/]{{1,253}}(/|$)){_DOMAIN}(/[A-Za-z0-9._~-]{{1,128}}){{0,8}}/?",
    "Write the mirror's address, such as https://mirror.example.org or https://harbor.example.org/v2/proxy-k8s: over "
    "TLS, as images are run as they come, on port 443, as machines reach no other, and without a user, a password or a "
    "question mark in it.",
)
TAG_KEY: Final = Syntax(
    "tag key, of which no two differ by case only",
    r"[A-Za-z0-9 _.:/=+\-@]{1,128}",
    "Write 1 to 128 letters, digits, spaces and _ . : / = + - @, which every AWS service accepts.",
    _check_tag_key,
)
TAG_VALUE: Final = Syntax(
    "tag value",
    r"[A-Za-z0-9 _.:/=+\-@]{0,256}",
    "Write up to 256 letters, digits, spaces and _ . : / = + - @, which every AWS service accepts.",
)
ZONE: Final = Syntax(
    "name of an availability zone",
    r"[a-z]{2}(-[a-z]+)+-[1-9][0-9]?[a-z]",
    "Write a zone's name, region and letter, such as eu-central-1a; local zones are not supported.",
)
REGION: Final = Syntax(
    "AWS region",
    r"[a-z]{2}(-[a-z]+)+-[1-9][0-9]?",
    "Write a region's code such as eu-central-1: pulumi config set aws:region eu-central-1.",
    refuse_region,
)
