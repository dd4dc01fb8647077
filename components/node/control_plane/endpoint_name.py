"""What the API endpoint's name means on this machine.

Pods in the host's network have a copy of /etc/hosts. So when the name begins to lead to the load balancer, those of
this machine that talk to the API by name are started again: nothing on a control plane may stick to one API server.
Workers are let in then, too, as they know the API by that name alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from components.node.common.environment import read_environment
from components.node.common.kubeadm import api_answers
from components.node.common.kubectl import Kubectl, admin_kubectl
from components.node.common.log import report
from components.node.common.step import run_step, usage
from components.node.common.waiting import wait_until
from components.node.control_plane.join_credentials import let_workers_in

HOSTS = Path("/etc/hosts")
MARK = "# quorate: the API endpoint"
# In place of the line until all that has a copy of it has started again, so that a run which was cut off is finished.
LEAVING = f"# pods may still have the address {MARK}"
_BALANCER_SECONDS = 900
_RESTART_SECONDS = 120


def main(arguments: Sequence[str]) -> int:
    if arguments:
        return usage("usage: quorate-node follow-load-balancer")
    return run_step("follow-load-balancer", _work)


def _work() -> None:
    values = read_environment("MACHINE_NAME", "API_ENDPOINT_NAME", "NETWORK_PLUGIN_WORKLOAD")
    name = values["API_ENDPOINT_NAME"]
    follow_load_balancer(
        name,
        values["MACHINE_NAME"],
        ("kube-system/daemonset/kube-proxy", values["NETWORK_PLUGIN_WORKLOAD"]),
        lambda: api_answers(Path("/etc/kubernetes/pki/ca.crt"), name),
        hosts=HOSTS,
    )
    let_workers_in(values.get("JOIN_PARAMETER", ""))


def name_endpoint(address: str, name: str, hosts: Path = HOSTS) -> None:
    """`name` means `address` here, whatever DNS says."""
    if replace_line(hosts, f"{address} {name} {MARK}"):
        report(f"{name} is {address} in {hosts}")


def follow_load_balancer(
    name: str,
    machine: str,
    workloads: Sequence[str],
    answers: Callable[[], None],
    *,
    hosts: Path = HOSTS,
    kubectl: Kubectl = admin_kubectl,
    seconds: float = _BALANCER_SECONDS,
    restart_seconds: float = _RESTART_SECONDS,
) -> None:
    """`name` means what DNS says, as soon as the load balancer's API `answers` there.

    `workloads`, NAMESPACE/daemonset/NAME, are those whose pods on this machine have copies of the old address.
    """
    if not any(line.endswith(MARK) for line in hosts.read_text().splitlines()):
        return
    replace_line(hosts, LEAVING)
    report(f"{name} is what DNS says; waiting until the load balancer answers there")
    wait_until(seconds, f"the API through the load balancer at {name}", answers)
    for workload in workloads:
        # The API server that answers may be another than a moment ago, and slower.
        wait_until(
            restart_seconds,
            f"the pods of {workload} to start again",
            partial(restart_pods, workload, machine, kubectl),
        )
    replace_line(hosts, None)
    report("the load balancer serves the API")


def with_line(text: str, line: str | None) -> str:
    """The text of a hosts file in which `line` has replaced the marked line; None removes that."""
    kept = [other for other in text.splitlines() if not other.endswith(MARK)]
    return "".join(f"{each}\n" for each in (kept if line is None else [*kept, line]))


def replace_line(hosts: Path, line: str | None) -> bool:
    """True only if that changed the file."""
    before = hosts.read_text()
    after = with_line(before, line)
    if after == before:
        return False
    # In place: /etc/hosts may be a mount of its own, which no other file can replace.
    hosts.write_text(after)
    return True


def restart_pods(workload: str, machine: str, kubectl: Kubectl) -> None:
    """Deletes the pods of a NAMESPACE/daemonset/NAME on this machine: new ones take their place."""
    namespace, _, owner = workload.split("/")
    pods = kubectl.read("pods", "--namespace", namespace, "--field-selector", f"spec.nodeName={machine}")
    for pod in pods["items"]:
        if owner not in [reference["name"] for reference in pod["metadata"].get("ownerReferences", [])[:1]]:
            continue
        name = pod["metadata"]["name"]
        kubectl.run("delete", "pod", name, "--namespace", namespace, "--wait=false", "--ignore-not-found")
        report(f"{name} starts again")
