"""Whether this machine's clock is right: certificates and credentials are good from one moment to another.

Workers have no such check: AWS refuses their requests from five minutes on, and Kubernetes allows certificates as much.
"""

from __future__ import annotations

import http.client
import os
import time
from email.utils import mktime_tz, parsedate_tz
from urllib.parse import urlsplit

from components.node.common.aws import METADATA
from components.node.common.failure import Failure
from components.node.common.waiting import NotYet, wait_until

_SECONDS = 5


def check_clock(seconds: float = 120) -> None:
    """Waits until the clock is that of AWS, by the date of an answer. Raises Failure with how far it is away."""
    wait_until(seconds, "this machine's clock to be AWS's", compare_clock)


def compare_clock() -> None:
    """Raises NotYet with how far this machine's clock is away from AWS's. Raises Failure where AWS does not say."""
    # Any answer has a date, also the refusal that this one gets.
    address = urlsplit(os.environ.get("METADATA", METADATA))
    connection = http.client.HTTPConnection(address.netloc, timeout=5)
    try:
        connection.request("GET", address.path)
        told = parsedate_tz(connection.getresponse().headers.get("Date", ""))
    except (OSError, http.client.HTTPException) as error:
        raise Failure(f"{address.netloc} does not answer: {error}") from error
    finally:
        connection.close()
    ahead = time.time() - mktime_tz(told) if told else 0
    if abs(ahead) > _SECONDS:
        raise NotYet(f"it is {abs(ahead):.0f}s {'ahead' if ahead > 0 else 'behind'}; see: timedatectl timesync-status")
