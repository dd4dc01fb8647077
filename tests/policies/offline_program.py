"""A program whose resources break rules, for a preview by the real engine and the real AWS provider.

Each line of CASES is a resource: its name, how it is made, and the rules that must refuse it. `base` is what a sound
one has.
"""

from __future__ import annotations

from typing import Final

HEAD: Final = """
import json
import pulumi
import pulumi_aws as aws
from pulumi_command import local, remote

provider = aws.Provider(
    "offline",
    region="eu-central-1",
    access_key="x",
    secret_key="x",
    skip_credentials_validation=True,
    skip_metadata_api_check=True,
    skip_requesting_account_id=True,
    skip_region_validation=True,
)
on = {"opts": pulumi.ResourceOptions(provider=provider)}
tags = {"tags": {"quorate:cluster": "c", "Name": "c"}}
safe_metadata = {"metadata_options": {"http_tokens": "required", "http_put_response_hop_limit": 1}}
machine = {"ami": "ami-0123456789abcdef0", "instance_type": "m7i.large", **safe_metadata, **tags}
encrypted = {"root_block_device": {"encrypted": True}}
unkept = pulumi.ResourceOptions(provider=provider, delete_before_replace=True)
kept = pulumi.ResourceOptions(provider=provider, delete_before_replace=True, ignore_changes=["ami"])
template = {"image_id": "ami-0123456789abcdef0", **safe_metadata, **tags}
disk = {"block_device_mappings": [{"device_name": "/dev/xvda", "ebs": {"encrypted": "true"}}]}
trust = json.dumps({"Statement": {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "ec2"}}})
open_trust = json.dumps({"Statement": {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": "*"}})
health = {"protocol": "HTTPS", "path": "/readyz", "port": "traffic-port"}
targets = {"port": 6443, "protocol": "TCP", "vpc_id": "vpc-1", "target_type": "ip", **tags}
balancer = {"load_balancer_type": "network", "subnets": ["subnet-1"], **tags}
plain = {"add_previous_output_in_env": False}
shell = {"connection": {"host": "192.0.2.1", "host_key": "ssh-ed25519 AAAA"}, **plain}
key = "-----BEGIN PRIVATE KEY-----"
token = "9a08jv.c0izixklcxtmnze7"


def may(action, resource):
    return json.dumps({"Statement": {"Effect": "Allow", "Action": action, "Resource": resource}})


def ingress(name, port, network):
    open_ = {"ip_protocol": "tcp", "from_port": port, "to_port": port, "cidr_ipv4": network}
    aws.vpc.SecurityGroupIngressRule(name, security_group_id="sg-1", **open_, **tags, **on)

"""

CASES: Final = (
    ("sound-volume",
     "aws.ebs.Volume(NAME, availability_zone='eu-central-1a', size=8, encrypted=True, **tags, **on)",
     ""),
    ("plain-volume",
     "aws.ebs.Volume(NAME, availability_zone='eu-central-1a', size=8, **tags, **on)",
     "disks-are-encrypted"),
    ("plain-root", "aws.ec2.Instance(NAME, **machine, **on)", "disks-are-encrypted"),
    ("old-metadata",
     "aws.ec2.Instance(NAME, **{**machine, 'metadata_options': {'http_tokens': 'optional', "
     "'http_put_response_hop_limit': 1}}, **encrypted, **on)",
     "imdsv2-is-required"),
    ("far-metadata",
     "aws.ec2.Instance(NAME, **{**machine, 'metadata_options': {'http_tokens': 'required', "
     "'http_put_response_hop_limit': 3}}, **encrypted, **on)",
     "metadata-hop-limit"),
    ("c-etcd-0-instance",
     "aws.ec2.Instance(NAME, **machine, **encrypted, opts=unkept)",
     "images-do-not-replace-machines"),
    ("c-etcd-1-instance",
     "aws.ec2.Instance(NAME, **machine, **encrypted, opts=pulumi.ResourceOptions(provider=provider, "
     "ignore_changes=['ami']))",
     "machines-are-deleted-before-replaced"),
    ("c-etcd-2-instance",
     "aws.ec2.Instance(NAME, **{**machine, 'instance_type': 't3.medium'}, **encrypted, opts=kept)",
     "etcd-is-not-on-burstable-machines"),
    ("c-etcd-0-etcd",
     "aws.ebs.Volume(NAME, availability_zone='eu-central-1a', size=8, encrypted=True, **tags, **on)",
     "etcd-volumes-are-kept"),
    ("plain-worker", "aws.ec2.LaunchTemplate(NAME, **template, **on)", "disks-are-encrypted"),
    ("moving-worker",
     "aws.ec2.LaunchTemplate(NAME, **{**template, 'image_id': 'resolve:ssm:/a/b'}, **disk, **on)",
     "images-are-pinned"),
    ("telling-worker",
     "aws.ec2.LaunchTemplate(NAME, "
     "user_data='I2Nsb3VkLWNvbmZpZwp4OiA5YTA4anYuYzBpeml4a2xjeHRtbnplNwo=', **template, **disk, **on)",
     "no-secrets-in-user-data"),
    ("ssh", "ingress(NAME, 22, '0.0.0.0/0')", "ssh-is-not-open-to-the-world"),
    ("etcd-clients", "ingress(NAME, 2379, '0.0.0.0/0')", "etcd-is-not-open-to-the-world"),
    ("kubelet", "ingress(NAME, 10250, '0.0.0.0/0')", "kubelet-is-not-open-to-the-world"),
    ("api", "ingress(NAME, 6443, '0.0.0.0/1')", "api-is-not-open-to-the-world"),
    ("named", "ingress(NAME, 6443, '198.51.100.7/32')", ""),
    ("mighty", "aws.iam.RolePolicy(NAME, role='r', policy=may('*', '*'), **on)", "iam-names-actions-and-resources"),
    ("reader",
     "aws.iam.RolePolicy(NAME, role='r', policy=may('ssm:GetParameter', '*'), **on)",
     "iam-names-actions-and-resources"),
    ("modest", "aws.iam.RolePolicy(NAME, role='r', policy=may('ec2:DescribeInstances', '*'), **on)", ""),
    ("anyones", "aws.iam.Role(NAME, assume_role_policy=open_trust, **tags, **on)", "iam-trust-is-narrow"),
    ("administrator",
     "aws.iam.RolePolicyAttachment(NAME, role='r', "
     "policy_arn='arn:aws:iam::aws:policy/AdministratorAccess', **on)",
     "iam-names-actions-and-resources"),
    ("tcp-check",
     "aws.lb.TargetGroup(NAME, preserve_client_ip='false', health_check={'protocol': 'TCP'}, **targets, "
     "**on)",
     "api-health-check-is-readyz"),
    ("hairpin", "aws.lb.TargetGroup(NAME, health_check=health, **targets, **on)", "client-addresses-are-not-kept"),
    ("bare-balancer",
     "aws.lb.LoadBalancer(NAME, enable_cross_zone_load_balancing=True, **balancer, **on)",
     "load-balancers-have-security-groups"),
    ("zonal-balancer",
     "aws.lb.LoadBalancer(NAME, security_groups=['sg-1'], **balancer, **on)",
     "load-balancers-cross-zones"),
    ("told", "aws.ssm.Parameter(NAME, type='String', value=key, **tags, **on)", "no-secrets-in-plain-parameters"),
    ("trusting", "remote.Command(NAME, create='true', connection={'host': '192.0.2.1'}, **plain)",
     "host-keys-are-verified"),
    ("shouting", "remote.Command(NAME, create=f'join --token {token}', **shell)", "no-secrets-in-commands"),
    ("whispering", "remote.Command(NAME, create='join', stdin=token, **shell)", ""),
    ("local", "local.Command(NAME, create=f'login --key \"{key}\"')", "no-secrets-in-commands"),
    ("loose", "remote.Command(NAME, create='true', stdin='  image: a/b:latest\\n', **shell)", "images-are-pinned"),
    ("vague",
     "remote.Command(NAME, create='true', stdin='%%% 0644 1 /etc/quorate/node.env\\nKUBERNETES_VERSION=1.36\\n"
     "%%% end 1\\n', **shell)",
     "versions-are-exact"),
    ("nameless", "aws.ec2.Eip(NAME, domain='vpc', **on)", "resources-are-tagged"),
    ("open-bucket", "aws.s3.Bucket(NAME, **tags, **on)", "buckets-are-encrypted buckets-are-private backups-are-kept"),
)  # fmt: skip
# What the stack as a whole breaks: an etcd without a schedule of snapshots, in machines whose zones are unknown.
OF_THE_STACK: Final = "snapshots-are-scheduled"


def program() -> str:
    """The text of the program."""
    return HEAD + "\n".join(line.replace("NAME", repr(name)) for name, line, _ in CASES) + "\n"
