"""Stacks that break rules about versions, routing, tags and cost."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from tests.policies.changes import of_template, plugin_says, runs_image, server_runs, workers_run
from tests.policies.edits import adding, all_of, leaving_out, removing
from tests.policies.edits import setting as put
from tests.policies.sound_stack import made
from tests.policies.violation import MEMBER, POOR
from tests.policies.violation import violation as _v

VERSIONS: Final = (
    _v("images-are-pinned", "no tag", runs_image("registry.k8s.io/pause")),
    _v("images-are-pinned", "latest", runs_image("localhost:5000/nginx:latest")),
    _v("images-are-pinned", "an init container", runs_image("busybox:stable", "initContainers")),
    _v("images-are-pinned", "in a manifest", plugin_says("containers:\n  - image: docker.io/calico/node:master\n")),
    _v("images-are-pinned", "a machine image by name", of_template(imageId="resolve:ssm:/aws/service/debian/latest")),
    _v("versions-are-exact", "a minor", server_runs(0, "1.36")),
    _v("versions-are-exact", "workers of any", workers_run("stable")),
    _v("versions-are-exact", "a chart of any", adding(made("release", "large-chart", chart="ccm"))),
    _v("versions-fit-each-other", "API servers", all_of(server_runs(0, "1.34.1"), server_runs(1, "1.35.0"))),
    _v("versions-fit-each-other", "workers ahead", workers_run("1.37.0")),
    _v("versions-fit-each-other", "workers behind", workers_run("1.32.9")),
)
OTHERS: Final = (
    _v(
        "source-check-fits-the-network-plugin",
        "off without need",
        put("interface", "large-etcd-0-interface", "sourceDestCheck", to=False),
    ),
    _v("source-check-fits-the-network-plugin", "on in spite of need", plugin_says("encapsulation: VXLANCrossSubnet\n")),
    _v("source-check-fits-the-network-plugin", "flannel's host-gw", plugin_says('{"Backend": {"Type": "host-gw"}}')),
    _v("nat-in-every-zone", "one", removing("large-nat-1", "large-nat-2")),
    _v("resources-are-tagged", "no tags", leaving_out(*MEMBER, "tags")),
    _v("resources-are-tagged", "the cluster's missing", put(*MEMBER, "tags", to={"Name": "x"})),
    _v("resources-are-tagged", "workers", put("group", "large-general", "tags", to=[])),
    _v("cost-is-within-the-budget", "a small budget", lambda stack: stack, POOR),
    _v("cost-is-within-the-budget", "a region without prices", lambda stack: stack, replace(POOR, region="xx-south-9")),
)

VIOLATIONS: Final = (*VERSIONS, *OTHERS)
