"""check-service NAMESPACE NAME TEXT: returns when the Service answers over HTTP with a page that contains TEXT."""

from __future__ import annotations

from collections.abc import Sequence

from components.node.common import log
from components.node.common.https import request
from components.node.common.kubectl import admin_kubectl
from components.node.common.step import run_step, usage
from components.node.common.waiting import NotYet, wait_until

_SECONDS = 120


def page_with(text: str, url: str) -> None:
    """Raises NotYet, or Failure, unless the page at `url` contains `text`."""
    page = request(url, seconds=3).expected(url)
    if text not in page:
        raise NotYet(f"{url} answered without '{text}': {page.strip()[:200]}")


def check(namespace: str, name: str, text: str, seconds: float = _SECONDS) -> None:
    fields = "jsonpath={.spec.clusterIP}:{.spec.ports[0].port}"

    def answers() -> None:
        address = admin_kubectl.run("--namespace", namespace, "get", "service", name, "--output", fields)
        page_with(text, f"http://{address}/")

    wait_until(seconds, f"Service {namespace}/{name} to answer", answers)
    log.report(f"Service {namespace}/{name} answers")


def main(arguments: Sequence[str]) -> int:
    if len(arguments) != 3:
        return usage("usage: quorate-node check-service NAMESPACE NAME TEXT")
    namespace, name, text = arguments
    return run_step("check-service", lambda: check(namespace, name, text))
