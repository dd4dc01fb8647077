"""etcd over the JSON gateway of its client port: members, health, leases and the keys that locks need."""

from __future__ import annotations

import base64
import http.client
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from components.node.common.failure import Failure, Hopeless
from components.node.common.https import Trust, request
from components.node.common.streams import posted_lines
from components.ports import ETCD_CLIENTS, ETCD_PEERS

CLIENT_PORT = ETCD_CLIENTS
PEER_PORT = ETCD_PEERS


def client_url(address: str) -> str:
    return f"https://{address}:{CLIENT_PORT}"


def peer_url(address: str) -> str:
    return f"https://{address}:{PEER_PORT}"


class Refusal(Failure):
    """etcd answered, and what was asked for is not possible."""

    def __init__(self, text: str, status: int) -> None:
        super().__init__(text)
        self.status = status


NOSPACE: Final = "NOSPACE"
CORRUPT: Final = "CORRUPT"
_ALARM = "ALARM "
_REMEDIES: Final[Mapping[str, str]] = {
    NOSPACE: "the members' data has reached the quota, and etcd takes nothing but deletions until somebody has made "
    "room. Run /opt/quorate/bin/quorate-node defragment-etcd --disarm on one of its machines, then raise etcd.quotaMib",
    CORRUPT: "the data of a member differs from that of the others, and etcd refuses all requests. Find out which "
    "member it is, set its data aside and let it enter again",
}


class Alarm(Hopeless):
    """etcd serves, with an alarm raised, which its operator must end. That is no lost quorum: nothing may restart for
    it.
    """

    def __init__(self, url: str, name: str) -> None:
        self.name = name
        remedy = _REMEDIES.get(name, "see: etcdctl alarm list")
        super().__init__(f"etcd has raised the alarm {name} ({url}): {remedy}; docs/operate.md has the steps")


@dataclass(frozen=True)
class Status:
    """What a member says of itself; sizes in bytes. `quota` is 0 where it is too old to say."""

    member: int
    leader: int
    size: int
    used: int
    revision: int
    quota: int
    version: str = ""

    @property
    def leads(self) -> bool:
        return self.member == self.leader


@dataclass(frozen=True)
class Member:
    """A member as the others know it. `client_urls` is empty until it has started for the first time."""

    id: int
    name: str
    peer_urls: tuple[str, ...]
    client_urls: tuple[str, ...]
    is_learner: bool

    def __str__(self) -> str:
        return f"{self.id:x}"


@dataclass(frozen=True)
class Digest:
    """A hash over all that a member holds up to a revision. Those of two members can be compared where both have
    forgotten what was before the same revision, `compacted`: 0 where nothing was ever forgotten.
    """

    hash: int
    compacted: int


@dataclass(frozen=True)
class KeyValue:
    """`lease` is 0 where the key has none."""

    value: str
    lease: int


class EtcdClient:
    """Asks `endpoints` (URLs) in turn, beginning with the one that answered last.

    Every method raises Failure where none of them answers, and Refusal where etcd says no.
    """

    def __init__(self, trust: Trust, endpoints: Sequence[str], *, seconds: float = 5) -> None:
        self._trust = trust
        self.endpoints = tuple(endpoints)
        self._seconds = seconds
        self._answered = self.endpoints[:1]

    def members(self, *, linearizable: bool = False) -> tuple[Member, ...]:
        """As the first member that answers knows them, be there a quorum or not; `linearizable` needs one."""
        answer = self._call("cluster/member/list", {"linearizable": linearizable})
        return tuple(_member(member) for member in answer["members"])

    def add_learner(self, address: str) -> None:
        """Announces a member at `address`, which has no vote yet. Needs a quorum."""
        self._call("cluster/member/add", {"peerURLs": [peer_url(address)], "isLearner": True})

    def promote(self, member: Member) -> None:
        """Gives a learner its vote. A Refusal as long as it has not caught up."""
        self._call("cluster/member/promote", {"ID": str(member.id)})

    def remove(self, member: Member) -> None:
        """Needs a quorum, of the members before."""
        self._call("cluster/member/remove", {"ID": str(member.id)})

    def check_health(self, endpoint: str, *, despite: str = "") -> None:
        """Raises Failure unless the member at `endpoint` serves and has a leader, so that there is a quorum.

        Raises Alarm for an alarm, which all members show, unless it is the one that is ignored, `despite`.
        """
        url = f"{endpoint}/health{f'?exclude={despite}' if despite else ''}"
        answer = request(url, trust=self._trust, seconds=self._seconds)
        if (reason := _health_reason(answer.text)).startswith(_ALARM):
            raise Alarm(url, reason.removeprefix(_ALARM))
        answer.expected(url)

    def unhealthy(self, *, despite: str = "") -> Mapping[str, str]:
        """The endpoints that are not healthy, each with the reason. Raises Alarm as `check_health` does."""
        found = {}
        for endpoint in self.endpoints:
            try:
                self.check_health(endpoint, despite=despite)
            except Alarm:
                raise
            except Failure as failure:
                found[endpoint] = str(failure)
        return found

    def status(self, endpoint: str) -> Status:
        """Of the member at `endpoint`."""
        answer = self.at(endpoint)._call("maintenance/status", {})
        header = answer["header"]
        return Status(
            member=int(header["member_id"]),
            leader=int(answer.get("leader", 0)),
            size=int(answer.get("dbSize", 0)),
            used=int(answer.get("dbSizeInUse", 0)),
            revision=int(header.get("revision", 0)),
            quota=int(answer.get("dbSizeQuota", 0)),
            version=str(answer.get("version", "")),
        )

    def metrics(self, endpoint: str) -> str:
        """Of the member at `endpoint`, as Prometheus reads them."""
        url = f"{endpoint}/metrics"
        return request(url, trust=self._trust, seconds=self._seconds).expected(url)

    def defragment(self, endpoint: str, seconds: float) -> None:
        """Gives the disk back what the member at `endpoint` no longer uses. It answers nobody meanwhile."""
        self.at(endpoint, seconds=seconds)._call("maintenance/defragment", {})

    def compact(self, revision: int) -> None:
        """Forgets what was before `revision`. A Refusal where that is done already."""
        self._call("kv/compaction", {"revision": str(revision), "physical": True})

    def disarm(self, alarm: str) -> None:
        """Ends an alarm, whichever members have raised it; etcd raises it again where its cause is still there."""
        raised = self._call("maintenance/alarm", {"action": "GET", "alarm": alarm}).get("alarms", ())
        for each in raised:
            self._call("maintenance/alarm", {"action": "DEACTIVATE", "memberID": each["memberID"], "alarm": alarm})

    def snapshot(self, endpoint: str, seconds: float = 60) -> Iterator[bytes]:
        """The database of the member at `endpoint`, piece by piece, and then the SHA-256 of all of it, 32 bytes.

        Raises Failure where it breaks off, or nothing comes for `seconds`.
        """
        url = f"{endpoint}/v3/maintenance/snapshot"
        left: int | None = None
        for line in posted_lines(url, self._trust, b"{}", seconds):
            try:
                answer = json.loads(line)
            except ValueError as error:
                raise Failure(f"{url} sent something else than JSON: {line[:100]!r}") from error
            if "result" not in answer:
                raise Failure(f"{url} broke off: {answer.get('error', {}).get('message', 'no reason given')}")
            left = int(answer["result"].get("remaining_bytes", 0))
            yield base64.b64decode(answer["result"].get("blob", ""))
        if left != 0:
            raise Failure(f"{url} broke off: {'nothing came' if left is None else f'{left} bytes are missing'}")

    def digest(self, endpoint: str, revision: int, seconds: float) -> Digest:
        """What the member at `endpoint` holds, as of `revision`. A Refusal where that is forgotten or yet to come."""
        answer = self.at(endpoint, seconds=seconds)._call("maintenance/hashkv", {"revision": str(revision)})
        # -1 in a cluster that is minutes old.
        return Digest(int(answer.get("hash", 0)), max(0, int(answer.get("compact_revision", 0))))

    def count_keys(self, endpoint: str, revision: int, seconds: float) -> int:
        """How many keys the member at `endpoint` holds, as of `revision`."""
        every_key = {"key": "AA==", "range_end": "AA=="}
        body = {**every_key, "revision": str(revision), "count_only": True, "serializable": True}
        return int(self.at(endpoint, seconds=seconds)._call("kv/range", body).get("count", 0))

    def get_key(self, key: str) -> bytes | None:
        """The value of a key, None where there is no such key."""
        found = self._call("kv/range", {"key": _encoded(key)}).get("kvs", ())
        return base64.b64decode(found[0].get("value", "")) if found else None

    def put_key(self, key: str, value: str) -> None:
        """Writes a key that no lease ends."""
        self._call("kv/put", {"key": _encoded(key), "value": _encoded(value)})

    def values_below(self, prefix: str, page: int = 100) -> Iterator[bytes]:
        """The values of all keys that begin with `prefix`, which ends with a slash; `page` at a time."""
        first, end = prefix.encode(), f"{prefix[:-1]}0".encode()  # A 0 is what follows a slash.
        while True:
            body = {"key": base64.b64encode(first).decode(), "range_end": base64.b64encode(end).decode()}
            answer = self._call("kv/range", {**body, "limit": str(page)})
            found = answer.get("kvs", ())
            yield from (base64.b64decode(each.get("value", "")) for each in found)
            if not answer.get("more"):
                return
            first = base64.b64decode(found[-1]["key"]) + b"\0"

    def at(self, endpoint: str, *, seconds: float | None = None) -> EtcdClient:
        """The same client, of one endpoint."""
        return EtcdClient(self._trust, [endpoint], seconds=seconds or self._seconds)

    def grant_lease(self, seconds: int) -> int:
        """The id of a lease that ends after `seconds` unless it is kept alive."""
        return int(self._call("lease/grant", {"TTL": str(seconds)})["ID"])

    def keep_lease_alive(self, lease: int) -> bool:
        """Whether the lease was still there; then its time begins again."""
        # A stream of one answer; that of a lease which has ended has no TTL.
        answer = self._call("lease/keepalive", {"ID": str(lease)})
        return int(answer.get("result", {}).get("TTL", 0)) > 0

    def revoke_lease(self, lease: int) -> None:
        """Ends a lease, and with it the keys that hang on it."""
        self._call("lease/revoke", {"ID": str(lease)})

    def create_key(self, key: str, value: str, lease: int) -> KeyValue:
        """The key as it is afterwards: as given if there was none, else as it was, which is left alone."""
        answer = self._call(
            "kv/txn",
            {
                "compare": [{"key": _encoded(key), "target": "CREATE", "result": "EQUAL", "create_revision": "0"}],
                "success": [{"request_put": {"key": _encoded(key), "value": _encoded(value), "lease": str(lease)}}],
                "failure": [{"request_range": {"key": _encoded(key)}}],
            },
        )
        if answer.get("succeeded"):
            return KeyValue(value, lease)
        (found,) = answer["responses"][0]["response_range"]["kvs"]
        return KeyValue(base64.b64decode(found.get("value", "")).decode(), int(found.get("lease", 0)))

    def _call(self, path: str, body: Mapping[str, Any]) -> Any:
        """The answer of the first endpoint that gives one; a member that cannot serve at the moment gives none."""
        silent = []
        for endpoint in (*self._answered, *(e for e in self.endpoints if e not in self._answered)):
            url = f"{endpoint}/v3/{path}"
            try:
                answer = request(url, trust=self._trust, body=json.dumps(body).encode(), seconds=self._seconds)
            except Failure as failure:
                silent.append(str(failure))
                continue
            if answer.status >= http.client.INTERNAL_SERVER_ERROR:
                silent.append(f"{url} answered {answer.status}: {_reason(answer.text)}")
                continue
            self._answered = (endpoint,)
            if answer.status != http.client.OK:
                raise Refusal(f"{url} answered {answer.status}: {_reason(answer.text)}", answer.status)
            return json.loads(answer.text)
        raise Failure("; ".join(silent) or "there is no etcd member to ask")


def _member(member: Mapping[str, Any]) -> Member:
    return Member(
        id=int(member["ID"]),
        name=member.get("name", ""),
        peer_urls=tuple(member.get("peerURLs", ())),
        client_urls=tuple(member.get("clientURLs", ())),
        is_learner=bool(member.get("isLearner", False)),
    )


def _health_reason(text: str) -> str:
    try:
        return str(json.loads(text)["reason"])
    except (ValueError, KeyError, TypeError):
        return ""


def _reason(text: str) -> str:
    try:
        return str(json.loads(text)["message"])
    except (ValueError, KeyError, TypeError):
        return text.strip()[:500]


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
