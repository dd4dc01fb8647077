"""Workers: interchangeable machines in Auto Scaling groups, which join the cluster by themselves."""

from __future__ import annotations

from functools import partial

import pulumi_aws as aws
from pulumi import ComponentResource, Output, ResourceOptions

from components.addons.catalogue import addon_statements
from components.delivery.cloud_config import cloud_config, compressed
from components.delivery.node_files import NodeFile, boot_files, boot_units
from components.delivery.steps import Files
from components.delivery.worker_files import worker_files
from components.identity.roles import MachineRole
from components.identity.statements import read_join_credentials
from components.machine_types import ROOT_DEVICE
from components.machines.rollout import Rollout
from components.network.traffic import Party
from components.network_plugins.network_plugin import NetworkPlugin
from components.pki import Pki
from components.plan import Role, join_parameter
from components.settings.machines import REFRESH_PERCENT
from components.settings.model import WorkerPoolSettings
from components.site import Site
from components.timings import DRAIN, JOIN


class WorkerAccess(ComponentResource):
    """What all pools share: the parameter with the credentials to join, and their role."""

    def __init__(self, name: str, site: Site, opts: ResourceOptions | None = None) -> None:
        super().__init__("quorate:machines:WorkerAccess", name, None, opts)
        cluster = site.plan.settings.cluster.name
        self.parameter = aws.ssm.Parameter(
            f"{name}-join",
            name=join_parameter(cluster),
            type="SecureString",
            # The control plane writes the real ones. Write-only: a refresh must not read them into the state.
            value_wo="none-yet",
            value_wo_version=1,
            description=f"Short-lived credentials that workers of {cluster} join with",
            tags=site.tags.named("workers-join"),
            opts=ResourceOptions(parent=self, delete_before_replace=True),
        )
        statements = [
            read_join_credentials(site.account, cluster),
            *addon_statements(site.account, site.plan, Role.WORKER),
        ]
        self.role = MachineRole(name, statements, site.tags, ResourceOptions(parent=self))
        self.register_outputs({})


class WorkerPools:
    """A group for each pool. Their machines look for credentials to join until the control plane has some."""

    pools: list[WorkerPool]
    files: list[Files]

    def __init__(
        self, name: str, site: Site, pki: Pki, plugin: NetworkPlugin, rollout: Rollout, child: ResourceOptions
    ) -> None:
        self.pools, self.files = [], []
        if not site.plan.settings.workers:
            return
        access = WorkerAccess(f"{name}-workers", site, child)
        for pool in site.plan.settings.workers:
            files = pki.authority.apply(partial(_files, site, pool, plugin))
            self.files.append(files)
            self.pools.append(WorkerPool(f"{name}-pool-{pool.name}", pool, site, access, files, rollout, child))


class WorkerPool(ComponentResource):
    """A launch template and a group: as many resources for one worker as for thousands."""

    group: aws.autoscaling.Group

    def __init__(
        self,
        name: str,
        pool: WorkerPoolSettings,
        site: Site,
        access: WorkerAccess,
        files: Files,
        rollout: Rollout,
        opts: ResourceOptions | None = None,
    ) -> None:
        super().__init__("quorate:machines:WorkerPool", name, None, opts)
        self._name, self._pool, self._site, self._access = name, pool, site, access
        self._tags = {**site.tags.named(pool.name), "quorate:pool": pool.name}
        template = self._launch_template(f"{name}-template", files, rollout)
        self.group = self._group(template)
        # A new machine is in service when its node is Ready: before that, a refresh must not take the next old one.
        self._hook("join", "autoscaling:EC2_INSTANCE_LAUNCHING", JOIN, "ABANDON")
        self._hook("drain", "autoscaling:EC2_INSTANCE_TERMINATING", DRAIN, "CONTINUE")
        self.register_outputs({})

    def _launch_template(self, name: str, files: Files, rollout: Rollout) -> aws.ec2.LaunchTemplate:
        site, pool = self._site, self._pool
        user_data = files.apply(
            lambda known: compressed(cloud_config(pool.name, None, boot_files(known), boot_units(known)))
        )
        return aws.ec2.LaunchTemplate(
            name,
            image_id=site.image,
            instance_type=pool.instance_type,
            key_name=site.operator_key.name,
            iam_instance_profile={"name": self._access.role.profile_name},
            metadata_options={
                "http_endpoint": "enabled",
                "http_tokens": "required",
                "http_put_response_hop_limit": 1,
            },
            block_device_mappings=[
                {
                    "device_name": ROOT_DEVICE,
                    "ebs": {
                        "volume_type": "gp3",
                        "volume_size": pool.root_volume_gib,
                        "encrypted": "true",
                        "delete_on_termination": "true",
                    },
                }
            ],
            network_interfaces=[
                {
                    "device_index": 0,
                    "associate_public_ip_address": "false" if site.plan.machines_are_private else "true",
                    "security_groups": [site.groups.ids[Party.WORKERS]],
                    "delete_on_termination": "true",
                }
            ],
            tag_specifications=[{"resource_type": "volume", "tags": self._tags}],
            user_data=user_data.apply(partial(rollout.user_data, name)),
            update_default_version=True,
            tags=self._tags,
            # A newer image by itself must not replace every worker.
            opts=ResourceOptions(parent=self, ignore_changes=["imageId"]),
        )

    def _hook(self, hook: str, transition: str, seconds: int, default_result: str) -> None:
        """The control plane ends the wait (tend-workers); without its word the default comes after `seconds`.

        A resource of its own, so that destroy removes it before the group and no machine waits to be drained.
        """
        aws.autoscaling.LifecycleHook(
            f"{self._name}-{hook}",
            name=hook,
            autoscaling_group_name=self.group.name,
            lifecycle_transition=transition,
            heartbeat_timeout=seconds,
            default_result=default_result,
            opts=ResourceOptions(parent=self, delete_before_replace=True),
        )

    def _group(self, template: aws.ec2.LaunchTemplate) -> aws.autoscaling.Group:
        site, pool = self._site, self._pool
        zones = site.plan.pool_zones(pool)
        version = template.latest_version.apply(str)
        return aws.autoscaling.Group(
            f"{self._name}-group",
            # Its name is what lets the control plane's role end drains of this cluster's groups, and of no other.
            name=site.plan.pool_group_name(pool),
            min_size=pool.minimum,
            # How many there are between the two is the cluster's autoscaler's to say, so it is not said here.
            max_size=pool.maximum,
            vpc_zone_identifiers=[site.network.machine_subnet_ids[zone] for zone in zones],
            launch_template=None if pool.spot else {"id": template.id, "version": version},
            mixed_instances_policy=_spot(template, version, pool.instance_type) if pool.spot else None,
            capacity_rebalance=True if pool.spot else None,
            health_check_type="EC2",
            health_check_grace_period=120,
            # The provider would wait for the number that the group had before its limits changed: wait-ready does.
            wait_for_capacity_timeout="0",
            instance_refresh={
                "strategy": "Rolling",
                # A new worker comes before an old one goes.
                "preferences": {
                    "min_healthy_percentage": 100,
                    "max_healthy_percentage": REFRESH_PERCENT,
                    "instance_warmup": "0",
                    "skip_matching": True,
                },
            },
            tags=[
                {"key": key, "value": value, "propagate_at_launch": True} for key, value in sorted(self._tags.items())
            ],
            opts=ResourceOptions(
                parent=self,
                delete_before_replace=True,
                depends_on=[self._access.role.policy, self._access.parameter, *site.reachable_after],
            ),
        )


def _files(site: Site, pool: WorkerPoolSettings, plugin: NetworkPlugin, authority: str) -> tuple[NodeFile, ...]:
    return worker_files(site.plan, pool, plugin, authority, site.account.region)


def _spot(
    template: aws.ec2.LaunchTemplate, version: Output[str], instance_type: str
) -> aws.autoscaling.GroupMixedInstancesPolicyArgsDict:
    return {
        "launch_template": {
            "launch_template_specification": {"launch_template_id": template.id, "version": version},
            "overrides": [{"instance_type": instance_type}],
        },
        "instances_distribution": {
            "on_demand_base_capacity": 0,
            "on_demand_percentage_above_base_capacity": 0,
            "spot_allocation_strategy": "price-capacity-optimized",
        },
    }
