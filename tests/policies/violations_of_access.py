"""Stacks that break rules about ports, roles, the load balancer and secrets."""

from __future__ import annotations

from typing import Any, Final

from policies.model import Context
from tests.policies.changes import (
    of_command,
    of_member,
    of_targets,
    of_template,
    opened,
    opened_inline,
    opened_old_style,
    packed,
    trusting,
    workers_may,
)
from tests.policies.edits import Change, adding, all_of, leaving_out, options
from tests.policies.edits import setting as put
from tests.policies.sound_stack import made, tags, urn
from tests.policies.violation import LEARNING, Violation
from tests.policies.violation import violation as _v

PEM: Final = "-----BEGIN EC PRIVATE KEY-----\nMHcCAQEE\n-----END EC PRIVATE KEY-----\n"
TOKEN: Final = "kubeadm join --token 9a08jv.c0izixklcxtmnze7"
WORLD_PORTS: Final = (
    "ssh-is-not-open-to-the-world etcd-is-not-open-to-the-world kubelet-is-not-open-to-the-world "
    "api-is-not-open-to-the-world"
)
SSM_ALL: Final = {"Action": "ssm:*", "Resource": "*"}


def _role_of(kind: str, number: int, other: str) -> Change:
    taken = {"iamInstanceProfile": (urn("profile", f"large-{other}-profile"),)}
    return options("instance", f"large-{kind}-{number}-instance", references=taken)


def _pieces(*networks: str) -> tuple[Change, ...]:
    return tuple(
        adding(
            made(
                "ingress",
                f"large-piece-{number}",
                ipProtocol="tcp",
                tags=tags("piece"),
                fromPort=22,
                toPort=22,
                cidrIpv4=network,
            )
        )
        for number, network in enumerate(networks)
    )


EXPOSURE: Final = (
    _v("ssh-is-not-open-to-the-world", "to all", opened(22)),
    _v("ssh-is-not-open-to-the-world", "to all of IPv6", opened(22, network="::/0", key="cidrIpv6")),
    _v("ssh-is-not-open-to-the-world", "to half of all", opened(22, network="128.0.0.0/1")),
    _v("ssh-is-not-open-in-pieces", "in three networks", all_of(*_pieces("20.0.0.0/9", "30.0.0.0/9", "40.0.0.0/9"))),
    _v("ssh-is-not-open-to-the-world", "within a range", opened(20, 25)),
    _v("ssh-is-not-open-to-the-world", "by a rule of the old kind", opened_old_style(22)),
    _v("ssh-is-not-open-to-the-world", "in the group itself", opened_inline(22)),
    _v(WORLD_PORTS, "with every port", opened(1, 65535)),
    _v(WORLD_PORTS, "with every protocol", opened(-1, -1, protocol="-1")),
    _v("etcd-is-not-open-to-the-world", "clients", opened(2379)),
    _v("etcd-is-not-open-to-the-world", "peers", opened(2380)),
    _v("etcd-is-not-open-to-the-world", "in the group itself", opened_inline(2379)),
    _v("kubelet-is-not-open-to-the-world", "the port", opened(10250)),
    _v("kubelet-is-not-open-to-the-world", "within a range", opened(10000, 11000)),
    _v("api-is-not-open-to-the-world", "the port", opened(6443)),
    _v("api-is-not-open-to-the-world", "by a rule of the old kind", opened_old_style(6443)),
    _v(
        "api-is-not-open-to-the-world snapshots-are-scheduled",
        "settings unknown",
        opened(6443),
        Context(region="eu-central-1"),
    ),
    _v("api-of-a-learning-cluster-is-not-open", "the port", opened(6443), LEARNING),
)
IDENTITY: Final = (
    _v("iam-names-actions-and-resources", "everything", workers_may(Action="*", Resource="*")),
    _v("iam-names-actions-and-resources", "everything of one thing", workers_may(Action=["*"], Resource="arn:x")),
    _v("iam-names-actions-and-resources", "all but", workers_may(NotAction="iam:*", Resource="arn:aws:s3:::b")),
    _v("iam-names-actions-and-resources", "on all but", workers_may(Action="s3:GetObject", NotResource="arn:x")),
    _v("iam-names-actions-and-resources", "a service", workers_may(**SSM_ALL)),
    _v("iam-names-actions-and-resources", "any parameter", workers_may(Action="ssm:GetParameter", Resource="*")),
    _v("iam-names-actions-and-resources", "any object", workers_may(Action=["s3:Get*"], Resource=["*"])),
    _v("iam-names-actions-and-resources", "to pass any role", workers_may(Action="iam:PassRole", Resource="*")),
    _v(
        "iam-names-actions-and-resources",
        "a managed policy",
        adding(made("attachment", "a", policyArn="arn:aws:iam::aws:policy/AdministratorAccess")),
    ),
    _v(
        "iam-names-actions-and-resources",
        "a managed policy of the role",
        put("role", "large-workers-role", "managedPolicyArns", to=["arn:aws:iam::aws:policy/AmazonS3FullAccess"]),
    ),
    _v(
        "iam-names-actions-and-resources",
        "in a policy of its own",
        adding(
            made("managed-policy", "m", policy={"Statement": {"Effect": "Allow", **SSM_ALL}}, tags=tags("m")),
        ),
    ),
    _v("iam-trust-is-narrow", "anyone", trusting("*")),
    _v("iam-trust-is-narrow", "any account", trusting({"AWS": ["*"]})),
    _v("roles-are-not-shared", "etcd with the control plane's", _role_of("etcd", 0, "control-plane")),
    _v("roles-are-not-shared", "control plane with the workers'", _role_of("control-plane", 2, "workers")),
    _v(
        "roles-are-not-shared",
        "by name",
        all_of(
            put("profile", "large-etcd-profile", "name", to="shared"),
            options("template", "large-general", references={}),
            of_template(iamInstanceProfile={"name": "shared"}),
        ),
    ),
)
BALANCER: Final = (
    _v("client-addresses-are-not-kept", "kept", of_targets("preserveClientIp", to="true")),
    _v("client-addresses-are-not-kept", "left out", leaving_out("targets", "large-api", "preserveClientIp")),
    _v("api-health-check-is-readyz", "TCP", of_targets("healthCheck", to={"protocol": "TCP"})),
    _v("api-health-check-is-readyz", "another path", of_targets("healthCheck", "path", to="/healthz")),
    _v("api-health-check-is-readyz", "another port", of_targets("healthCheck", "port", to="10257")),
    _v("api-health-check-is-readyz", "none", leaving_out("targets", "large-api", "healthCheck")),
    _v("load-balancers-have-security-groups", "none", leaving_out("balancer", "large-api", "securityGroups")),
    _v(
        "load-balancers-cross-zones",
        "off",
        leaving_out("balancer", "large-api", "enableCrossZoneLoadBalancing"),
    ),
)


def _user_data(title: str, text: str) -> Violation:
    return _v("no-secrets-in-user-data", title, of_member(userDataBase64=text))


def _in_command(title: str, key: str, value: Any) -> Violation:
    return _v("no-secrets-in-commands", title, of_command(key, value))


SECRETS: Final = (
    _user_data("a key as it is", PEM),
    _user_data("a key, packed", packed(f"#cloud-config\nwrite_files:\n- content: |\n    {PEM}")),
    _user_data("a token, packed", packed(TOKEN)),
    _user_data(
        "a token in a quoted file", packed('#cloud-config\nwrite_files:\n- content: "a\\n9a08jv.c0izixklcxtmnze7"')
    ),
    _user_data("an access key", packed("export AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE")),
    _user_data("a kubeconfig", packed("users:\n- user:\n    client-key-data: LS0tLS1CRUdJTg==\n")),
    _user_data("a password", packed("DATABASE_PASSWORD=hunter2hunter2")),
    _v("no-secrets-in-user-data", "a worker's token", of_template(userData=packed(TOKEN))),
    _in_command("a token in create", "create", TOKEN),
    _in_command("a certificate key in update", "update", "kubeadm join --certificate-key " + "0a" * 32),
    _in_command("a key in the environment", "environment", {"KEY": PEM}),
    _in_command("a bearer token in triggers", "triggers", ["eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhYmMifQ.c2lnbmF0dXJl"]),
    _in_command("a token in delete", "delete", TOKEN),
    _v("no-secrets-in-commands", "a local one", adding(made("local-command", "large-local", create=TOKEN))),
    _v("no-secrets-in-plain-parameters", "a key", put("parameter", "large-host-key", "type", to="String")),
    _v("host-keys-are-verified", "the machine's", of_command("connection", {"host": "h"})),
    _v("host-keys-are-verified", "the bastion's", of_command("connection", {"hostKey": "k", "proxy": {"host": "b"}})),
)

VIOLATIONS: Final = (*EXPOSURE, *IDENTITY, *BALANCER, *SECRETS)
