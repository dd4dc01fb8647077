"""What a snapshot is compared with: members that differ, are gone, are behind, or have forgotten."""

from __future__ import annotations

from dataclasses import replace

import pytest

from components.node.common.failure import Failure
from components.node.etcd.client import EtcdClient
from components.node.etcd.snapshot import comparison
from components.node.etcd.snapshot.contents import secrets_keys
from components.node.etcd.snapshot.take import take_snapshot
from tests.components.node.etcd.snapshot_world import HELD, World


def test_what_members_have_forgotten_since_is_forgotten_on_trial_before_it_is_compared(
    world: World, addresses: tuple[str, ...]
) -> None:
    world.members.held = {addresses[0]: (100, 60, 123), addresses[1]: (101, 70, 123), addresses[2]: (101, 70, 123)}
    world.restored.rehashed = {60: 100, 70: 101}
    take_snapshot(world.sources[0])
    assert world.restored.compacted == 70
    (manifest,) = world.manifests
    assert (manifest["hash"], manifest["compact_revision"]) == (100, 60)
    assert len(manifest["compared_with"]) == 3
    world.restored.held, world.restored.compacted = {addresses[0]: HELD}, 50
    world.restored.rehashed[70] = 102
    with pytest.raises(Failure, match=f"is not what https://{addresses[1]}"):
        take_snapshot(world.sources[0], now=True)


def test_a_member_that_is_gone_or_behind_is_not_compared_with_and_that_is_told(
    world: World, addresses: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(comparison, "_BEHIND_SECONDS", 0)
    world.members.held[addresses[2]] = (1, 40, 1)
    of = world.sources[0]
    gone = EtcdClient(of.client._trust, [*of.client.endpoints, f"https://{addresses[0]}:9"])
    take_snapshot(replace(of, client=gone))
    (manifest,) = world.manifests
    assert manifest["compared_with"] == [f"https://{address}:2379" for address in addresses[:2]]
    told = capsys.readouterr().out
    assert f"not compared with https://{addresses[2]}:2379: waited" in told
    assert "has not forgotten revision 50 yet" in told
    assert f"not compared with https://{addresses[0]}:9: " in told


def test_members_that_have_forgotten_nothing_yet_are_compared(world: World, addresses: tuple[str, ...]) -> None:
    """So they are for the first minutes of a cluster; etcd says -1 then."""
    world.members.held = dict.fromkeys(world.members.held, (4711, -1, 123))
    world.restored.held = dict.fromkeys(world.restored.held, (4711, -1, 123))
    take_snapshot(world.sources[0])
    (manifest,) = world.manifests
    assert manifest["compact_revision"] == 0


def test_members_that_differ_from_each_other_are_told_though_the_snapshot_is_as_its_own(
    world: World, addresses: tuple[str, ...]
) -> None:
    world.members.held[addresses[1]] = (1, 50, 123)
    with pytest.raises(Failure, match=rf"is not what https://{addresses[1]}:2379 holds.*docs/operate.md"):
        take_snapshot(world.sources[0])


def test_secrets_keys_are_named_by_what_needs_them() -> None:
    values = [b"k8s:enc:aesgcm:v1:a:x", b"k8s:enc:kms:v2:vault:x", b"k8s:enc:aesgcm:v1:a:y", b"k8s\0Secret", b""]
    assert secrets_keys(values) == ["aesgcm:a", "kms:vault"]
