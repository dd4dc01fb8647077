"""What is installed beside the network plugin."""

from __future__ import annotations

from typing import Any

from tests.components.recording import Recording
from tests.components.stacks import recorded, varied, waits_for

DEPLOYMENT = "kubernetes:apps/v1:Deployment"
BUDGET = "kubernetes:policy/v1:PodDisruptionBudget"


def server(stack: Recording) -> dict[str, Any]:
    (deployment,) = [d for d in stack.of_type(DEPLOYMENT) if d.name == "dev-metrics-server-server"]
    (container,) = deployment.inputs["spec"]["template"]["spec"]["containers"]
    return dict(container)


def test_metrics_server_is_installed_where_the_stack_says_so() -> None:
    api = "kubernetes:apiregistration.k8s.io/v1:APIService"
    assert [a.inputs["metadata"]["name"] for a in recorded("dev").of_type(api)] == ["v1beta1.metrics.k8s.io"]
    assert not recorded("education").of_type(api)
    assert not varied("dev", "addons__metricsServer", False).of_type(api)


def test_metrics_server_runs_pinned_without_privileges_and_writes_to_its_own_folder_only() -> None:
    container = server(recorded("dev"))
    assert container["image"].startswith("registry.k8s.io/metrics-server/metrics-server:v")
    context = container["securityContext"]
    assert (context["runAsNonRoot"], context["readOnlyRootFilesystem"]) == (True, True)
    assert context["allowPrivilegeEscalation"] is False
    assert context["capabilities"]["drop"] == ["ALL"]
    assert "--cert-dir=/tmp" in container["args"]
    assert container["volumeMounts"] == [{"name": "tmp", "mountPath": "/tmp"}]


def test_metrics_server_starts_when_there_is_a_network_between_pods() -> None:
    dev = recorded("dev")
    assert waits_for(dev, dev.named(DEPLOYMENT, "dev-metrics-server-server"), "command:remote:Command dev-ready")


def test_metrics_server_may_read_metrics_and_change_nothing() -> None:
    roles = recorded("dev").of_type("kubernetes:rbac.authorization.k8s.io/v1:ClusterRole")
    assert len(roles) == 2
    verbs = {verb for role in roles for rule in role.inputs["rules"] for verb in rule["verbs"]}
    assert verbs == {"get", "list", "watch"}


def test_services_are_not_watched_for_ten_seconds_but_asked_what_they_are_for() -> None:
    stack = recorded("dev")
    services = {s.name: s.inputs["metadata"]["annotations"] for s in stack.of_type("kubernetes:core/v1:Service")}
    assert services == {
        "dev-smoke-web": {"pulumi.com/skipAwait": "true"},
        "dev-metrics-server-server": {"pulumi.com/skipAwait": "true"},
    }
    (api,) = stack.of_type("kubernetes:apiregistration.k8s.io/v1:APIService")
    assert api.inputs["metadata"]["annotations"] == {"pulumi.com/waitFor": "condition=Available"}
    (asked,) = [c for c in stack.of_type("command:remote:Command") if c.name == "dev-service"]
    assert "quorate-node check-service quorate-smoke smoke" in asked.inputs["create"]


def test_a_drain_leaves_cluster_dns_a_pod_where_there_is_more_than_one_node() -> None:
    (budget,) = recorded("dev").of_type(BUDGET)
    assert budget.inputs["spec"] == {"maxUnavailable": 1, "selector": {"matchLabels": {"k8s-app": "kube-dns"}}}
    assert not recorded("education").of_type(BUDGET)


def test_the_page_is_served_from_different_zones_and_there_from_different_nodes_where_it_can_be() -> None:
    (web,) = [d for d in recorded("prod").of_type(DEPLOYMENT) if d.name.endswith("-smoke-web")]
    constraints = web.inputs["spec"]["template"]["spec"]["topologySpreadConstraints"]
    assert [c["topologyKey"] for c in constraints] == ["topology.kubernetes.io/zone", "kubernetes.io/hostname"]
    for constraint in constraints:
        assert constraint["labelSelector"]["matchLabels"] == web.inputs["spec"]["selector"]["matchLabels"]
        assert constraint["whenUnsatisfiable"] == "ScheduleAnyway", "one node is enough for it"


def test_the_page_is_served_from_two_nodes_where_there_are_two() -> None:
    def replicas(stack: str) -> int:
        (web,) = [d for d in recorded(stack).of_type(DEPLOYMENT) if d.name.endswith("-smoke-web")]
        return int(web.inputs["spec"]["replicas"])

    assert (replicas("education"), replicas("dev"), replicas("prod")) == (1, 2, 2)
