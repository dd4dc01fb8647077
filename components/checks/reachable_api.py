"""Holds back what talks to the cluster from here until its API answers here.

The Kubernetes provider asks once, when it is configured, and gives up for the whole update if nobody answers.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Any

import pulumi
from pulumi import Output, Resource

# A new load balancer takes minutes to look at its targets; a machine takes as long to come back.
SECONDS = 600
_BETWEEN_WORDS = 60


def once_api_answers(
    value: Output[str], host: Output[str], port: int, about: Resource, after: Sequence[Resource]
) -> Output[str]:
    """`value`, once `after` is complete and `https://HOST:PORT/readyz` answers the host that runs pulumi.

    A preview does not wait. When nobody answers in time, a warning on the resource `about` says so, and the provider
    decides: it passes over what is there already and fails on what is new.
    """

    async def waited(known: Sequence[Any]) -> str:
        if not pulumi.runtime.is_dry_run():
            await wait(f"https://{known[1]}:{port}/readyz", about)
        return str(known[0])

    return Output.all(value, host, *(resource.urn for resource in after)).apply(waited)


async def wait(url: str, about: Resource, seconds: float = SECONDS) -> None:
    """Returns when `url` answers with 200, or after `seconds`; says on `about` what it waits for."""
    started = spoken = time.monotonic()
    error = await asyncio.to_thread(last_error, url)
    if error:
        pulumi.log.info(f"waiting up to {seconds:.0f} s for {url}: {error}", about)
    while error:
        now = time.monotonic()
        if now - started >= seconds:
            pulumi.log.warn(
                f"{url} did not answer within {seconds:.0f} s; the last error: {error}\n"
                "Only quorate:access.apiCidrs may reach it: is this host in one of them?",
                about,
            )
            return
        if now - spoken >= _BETWEEN_WORDS:
            pulumi.log.info(f"still waiting for {url} after {now - started:.0f} s: {error}", about)
            spoken = now
        await asyncio.sleep(1)
        error = await asyncio.to_thread(last_error, url)


def last_error(url: str) -> str:
    """Empty when `url` answers with 200, else what went wrong. Proxies are the environment's, as for the provider."""
    # Python's own library knows neither networks in NO_PROXY nor SOCKS. Imported late: previews don't ask.
    import requests
    import urllib3

    urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
    try:
        # Whose certificate it is, the provider checks. Here it only matters that the API answers.
        requests.get(url, timeout=5, verify=False).raise_for_status()  # noqa: S501
    except requests.RequestException as error:
        return str(error)
    return ""
