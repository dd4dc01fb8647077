"""The region: makes the host look like what the account says, again after every change.

One loop compares the account with the host. Each pass is a full comparison, so that a pass that failed, or a
supervisor that was killed, needs no repair: the next pass does what is missing.
"""

from __future__ import annotations

import json
import random
import socket
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from sandbox.cloud import faults, projection, wiring
from sandbox.cloud.addresses import METADATA_ADDRESS, NAMESPACE, RESOLVER_ADDRESS
from sandbox.cloud.api.server import Api
from sandbox.cloud.api.view import CloudView, InstanceView
from sandbox.cloud.balancer.balancers import Balancers
from sandbox.cloud.balancer.process import balancers_folder
from sandbox.cloud.faults import Faults
from sandbox.cloud.firewall import NotModelled, ruleset
from sandbox.cloud.machines import Machines
from sandbox.cloud.metadata import Identity, MetadataService
from sandbox.cloud.namespace import CommandFailed, listening_socket, run
from sandbox.cloud.resolver import Found, Resolver
from sandbox.cloud.volumes import Volumes

_RETRY_SECONDS = 2.0


class Region:
    """`state` holds machines' disks and volumes; `files_for_machines` are laid over each machine's disk at boot."""

    def __init__(
        self,
        api: Api,
        state: Path,
        image: Path,
        image_store: Path,
        internet_names: Iterable[str],
        files_for_machines: Callable[[Path], dict[str, bytes]],
        say: Callable[[str], None],
    ) -> None:
        self._api = api
        self._say = say
        self._internet_names = frozenset(internet_names)
        self._files = files_for_machines
        self._image = image
        self.machines = Machines(disks=state / "machines", image=image, store=image_store)
        self.volumes = Volumes(folder=state / "volumes")
        self._changed = threading.Event()
        self._stopping = threading.Event()
        self._applied_rules = self._applied_cuts = ""
        self._cutting = threading.Lock()
        self.faults = Faults(state / "faults.json")
        self._served_resolvers: set[str] = set()
        self._complaints: set[str] = set()
        self._view = api.view()
        self._loop = threading.Thread(target=self._run, name="region", daemon=True)
        self._resolver = Resolver([], self._look_up)
        self._balancers = Balancers(
            balancers_folder(state), NAMESPACE, api.report_target_health, say, lambda: self.faults.balancers
        )

    def start(self) -> None:
        """Makes the namespace and its services, then follows the account in the background."""
        wiring.connect_region()
        self._api.on_change(self._changed.set)
        self._view = self._api.view()
        self._serve_names(RESOLVER_ADDRESS)
        self._metadata = MetadataService(
            listening_socket(NAMESPACE, METADATA_ADDRESS, 80), self._identify, self._api.role_credentials
        )
        self._metadata.start()
        self._balancers.start()
        self._changed.set()
        self._loop.start()

    def stop(self) -> None:
        """Ends the services; machines keep running."""
        self._stopping.set()
        self._changed.set()
        self._loop.join(timeout=30)
        self._balancers.stop()
        self._metadata.stop()
        self._resolver.stop()

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._changed.wait(timeout=None if not self._complaints else _RETRY_SECONDS)
            self._changed.clear()
            self._view = self._api.view()
            self._write_names(self._view)
            works = (
                self._release_ended,
                self._apply_firewall,
                self._apply_cuts,
                self._follow_balancers,
                self._boot_wanted,
                self._attach_volumes,
            )
            for work in works:
                self._attempt(work.__name__.strip("_").replace("_", " "), lambda work=work: work(self._view))  # type: ignore[misc]

    def _attempt(self, what: str, action: Callable[[], None]) -> None:
        try:
            action()
        except (CommandFailed, NotModelled, OSError, StopIteration) as problem:
            complaint = f"{what}: {problem}"
            if complaint not in self._complaints:
                self._say(complaint)
            self._complaints = {c for c in self._complaints if not c.startswith(what + ":")} | {complaint}
        else:
            self._complaints = {c for c in self._complaints if not c.startswith(what + ":")}

    def _write_names(self, view: CloudView) -> None:
        names = {i.id: i.tags.get("Name", "") for i in view.instances if i.state in projection.PRESENT_STATES}
        file = self.machines.disks / "names.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(names))

    def _release_ended(self, view: CloudView) -> None:
        present = {instance.id: instance for instance in view.instances if instance.state in projection.PRESENT_STATES}
        for instance_id in sorted({*self.machines.ids(), *wiring.connected_machines()} - present.keys()):
            started = time.monotonic()
            self.machines.terminate(instance_id)
            wiring.disconnect_machine(instance_id)
            self._say(f"{instance_id} terminated in {time.monotonic() - started:.1f} s")
        for instance in view.instances:
            if instance.state == "shutting-down":
                self._api.finish(instance.id, "shutting-down")
            if instance.impaired and self.machines.state(instance.id) == "running":
                # Before its processes end: of failed hardware nobody hears that its connections are closed.
                self._apply_cuts(view)
                self.machines.power_off(instance.id)
                self._say(f"{instance.id} is off: its hardware has failed")
            if instance.state == "stopping":
                self.machines.stop(instance.id)
                self._api.finish(instance.id, "stopping")
        self._detach_volumes(view)
        for volume_id in set(self.volumes.ids()) - {volume.id for volume in view.volumes}:
            self.volumes.delete(volume_id)

    def _apply_firewall(self, view: CloudView) -> None:
        resolvers = projection.resolver_addresses(view)
        for address in set(resolvers) - self._served_resolvers:
            wiring.serve_vpc_resolver(address)
            self._serve_names(address)
        rules = ruleset(projection.ports_of(view), resolvers, projection.nodes_of(view))
        if rules != self._applied_rules:
            run("ip", "netns", "exec", NAMESPACE, "nft", "-f", "-", stdin=rules)
            self._applied_rules = rules

    def apply_faults(self) -> None:
        """Makes network and load balancers be as `faults` says. Raises CommandFailed."""
        self._apply_cuts(self._api.view())
        self._balancers.wake()

    def _apply_cuts(self, view: CloudView) -> None:
        with self._cutting:
            rules = faults.ruleset(projection.cuts_of(view, self.faults.zones, self.faults.machines))
            if rules != self._applied_cuts:
                run("ip", "netns", "exec", NAMESPACE, "nft", "-f", "-", stdin=rules)
                self._applied_cuts = rules

    def _follow_balancers(self, view: CloudView) -> None:
        self._balancers.follow(view.balancers, view.target_groups)

    def _boot_wanted(self, view: CloudView) -> None:
        for instance in view.instances:
            if instance.state in projection.BOOTED_STATES and not instance.impaired:
                self._attempt(f"machine {instance.id}", lambda instance=instance: self._boot(view, instance))  # type: ignore[misc]

    def _boot(self, view: CloudView, instance: InstanceView) -> None:
        if self.machines.state(instance.id) != "running":
            started = time.monotonic()
            link = projection.link_of(view, instance)
            wiring.connect_machine(link)
            hostname = projection.hostname_of(instance)
            files = dict(self._files(self._image))
            if not self.machines.has_booted(instance.id):
                # Later it is what the machine has made of it: by another name its kubelet would be another node.
                files["/etc/hostname"] = f"{hostname}\n".encode()
            self.machines.start(instance.id, hostname, link.namespace, files)
            name = instance.tags.get("Name", "")
            self._say(f"{instance.id} {name} at {instance.private_ip} started in {time.monotonic() - started:.1f} s")
        if instance.state == "pending":
            self._api.finish(instance.id, "pending")

    def _attach_volumes(self, view: CloudView) -> None:
        for volume in view.volumes:
            if not volume.is_root:
                self.volumes.create(volume.id, volume.size_gib)
        for instance in view.instances:
            if instance.state in projection.BOOTED_STATES and self.machines.state(instance.id) == "running":
                for attachment in instance.attachments:
                    if not attachment.is_root:
                        self.volumes.attach(attachment.volume_id, self.machines.process_id(instance.id))

    def _detach_volumes(self, view: CloudView) -> None:
        attached = {attachment.volume_id for instance in view.instances for attachment in instance.attachments}
        loose = [volume_id for volume_id in self.volumes.in_use() if volume_id not in attached]
        if loose:
            running = [i for i in self.machines.ids() if self.machines.state(i) == "running"]
            for volume_id in loose:
                self.volumes.detach(volume_id, [self.machines.process_id(instance_id) for instance_id in running])

    def _serve_names(self, address: str) -> None:
        for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
            self._resolver.add(listening_socket(NAMESPACE, address, 53, kind))
        self._served_resolvers.add(address)

    def _look_up(self, source: str, name: str) -> Found:
        view = self._api.view()
        records = projection.names_of(view, source, name, self._internet_names, self._balancers.silent)
        # In any order, as Route 53 answers: clients take the first.
        mixed = random.sample(records, len(records)) if records else records
        return Found(mixed, *projection.who_answers(view, source, name))

    def balancer_addresses(self, name: str) -> list[str] | None:
        """The addresses at which the operator's host reaches a load balancer; None where none has the name."""
        return projection.public_addresses_of(self._api.view(), name, self._balancers.silent)

    def _identify(self, source: str) -> Identity | None:
        return projection.identity_of(self._api.view(), source, self._api.account, self._api.region)
