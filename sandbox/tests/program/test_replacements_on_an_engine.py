"""Members that an update would replace, as the real engine and the real providers tell it to the pack."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.cloud.api.operator import OPERATOR_ACCESS_KEY, OPERATOR_SECRET_KEY
from sandbox.cloud.api.seeds import DEBIAN_IMAGE
from sandbox.cloud.api.server import Api
from sandbox.tests.engine.kubernetes.control_plane import ControlPlane
from tests.pulumi_project import Project, engine, project

pytestmark = [pytest.mark.engine, pytest.mark.drill]
__all__ = ["engine", "project"]

PACK = str(Path(__file__).parents[3] / "policies")
ONE_AT_A_TIME = "one-stateful-machine-at-a-time"
QUORUM = "quorum-survives-the-change"
PROGRAM = """
import os
import pulumi
import pulumi_aws as aws
import pulumi_kubernetes as kubernetes

moved = os.environ.get("MOVED", "").split()
region = aws.Provider(
    "region",
    region="eu-central-1",
    skip_credentials_validation=True,
    skip_metadata_api_check=True,
    skip_requesting_account_id=True,
    skip_region_validation=True,
    endpoints=[{"ec2": os.environ["EC2"]}],
)
on = pulumi.ResourceOptions(provider=region)
vpc = aws.ec2.Vpc("vpc", cidr_block="10.20.0.0/16", opts=on)
zones = ("eu-central-1a", "eu-central-1b")
subnets = [
    aws.ec2.Subnet(zone, vpc_id=vpc.id, cidr_block=f"10.20.{index}.0/24", availability_zone=zone, opts=on)
    for index, zone in enumerate(zones)
]
for number in "012":
    aws.ebs.Volume(f"c-etcd-{number}-etcd", availability_zone="eu-central-1a", size=8, encrypted=True, opts=on)
    aws.ec2.Instance(
        f"c-etcd-{number}-instance",
        ami=os.environ["IMAGE"],
        instance_type="t3.large",
        subnet_id=subnets[number in moved].id,
        opts=on,
    )
if os.environ.get("LIVED"):
    cluster = kubernetes.Provider("cluster", kubeconfig=os.environ["CLUSTER"])
    kubernetes.core.v1.Namespace("smoke", opts=pulumi.ResourceOptions(provider=cluster))
"""


@pytest.fixture
def members(project: Project, tmp_path: Path) -> Iterator[Project]:
    """Three members with their disks, and a cluster beside them."""
    for folder in ("account", "cluster"):
        (tmp_path / folder).mkdir()
    api, plane = Api(tmp_path / "account"), ControlPlane(tmp_path / "cluster")
    api.start()
    try:
        plane.start()
        made = told(
            project,
            AWS_ACCESS_KEY_ID=OPERATOR_ACCESS_KEY,
            AWS_SECRET_ACCESS_KEY=OPERATOR_SECRET_KEY,
            EC2=f"http://127.0.0.1:{api.port}",
            IMAGE=DEBIAN_IMAGE,
            CLUSTER=plane.kubeconfig,
        )
        made.up(PROGRAM)
        yield made
    finally:
        plane.stop()
        api.stop()


def told(project: Project, **variables: str) -> Project:
    return Project(project.folder, {**project.environment, **variables})


def refusals(project: Project, moved: str) -> set[str]:
    """Which of the two rules refuse an update that moves these members to another zone."""
    printed = told(project, MOVED=moved).run("preview", "--policy-pack", PACK, ok=False)
    assert printed.count("c-etcd-") > 3, printed
    return {rule for rule in (ONE_AT_A_TIME, QUORUM) if f"[mandatory] [severity: critical]  {rule}" in printed}


def test_members_of_a_cluster_that_has_lived_are_replaced_one_at_a_time(members: Project) -> None:
    assert refusals(members, "0 1 2") == set(), "nothing has ever lived in it: an up that was cut off is finished"
    living = told(members, LIVED="1")
    living.up()
    assert refusals(living, "") == set()
    assert refusals(living, "1") == set()
    assert refusals(living, "0 1") == {ONE_AT_A_TIME, QUORUM}
