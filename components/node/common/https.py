"""HTTP requests with one deadline: to API servers, to etcd, to AWS."""

from __future__ import annotations

import http.client
import ssl
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from components.node.common.failure import Failure


@dataclass(frozen=True)
class Trust:
    """Whose certificates are believed, and with which one this machine shows itself: paths of PEM files."""

    authority: Path
    certificate: Path | None = None
    key: Path | None = None

    def context(self) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=str(self.authority))
        if self.certificate:
            context.load_cert_chain(str(self.certificate), str(self.key) if self.key else None)
        return context


@dataclass(frozen=True)
class Answer:
    """A response, whatever its status."""

    status: int
    text: str

    def expected(self, url: str) -> str:
        """The text of a response with 200. Raises Failure for any other."""
        if self.status != http.client.OK:
            raise Failure(f"{url} answered {self.status}: {self.text.strip()[:500]}")
        return self.text


def request(
    url: str,
    *,
    trust: Trust | None = None,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    method: str | None = None,
    seconds: float = 5,
) -> Answer:
    """Raises Failure where no answer came. Proxies that the environment names are not used: all of this is nearby."""
    handlers: list[urllib.request.BaseHandler] = [urllib.request.ProxyHandler({})]
    try:
        if trust:
            handlers.append(urllib.request.HTTPSHandler(context=trust.context()))
        asked = urllib.request.Request(url, data=body, headers=dict(headers or {}), method=method)
        with urllib.request.build_opener(*handlers).open(asked, timeout=seconds) as response:
            return Answer(response.status, response.read().decode(errors="replace"))
    except urllib.error.HTTPError as error:
        return Answer(error.code, error.read().decode(errors="replace"))
    except (OSError, http.client.HTTPException) as error:
        raise Failure(f"{url} does not answer: {getattr(error, 'reason', error)}") from error
