"""Waits until an API server answers where operators reach it. Runs on the operator's host: only Python's own library.

Arguments: the URL and how many seconds to wait. A proxy that the environment names (HTTPS_PROXY) is used.
"""

from __future__ import annotations

import http.client
import ssl
import sys
import time
import urllib.request


def wait(url: str, seconds: float) -> str:
    """Empty when `url` answers with 200 in time, else what it did last."""
    # Whose certificate it is, kubectl will check under the API's own name. Here it only matters that it answers.
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    opener = urllib.request.build_opener(urllib.request.HTTPSHandler(context=context))
    deadline = time.monotonic() + seconds
    while True:
        try:
            with opener.open(url, timeout=5):
                return ""
        except (OSError, http.client.HTTPException) as error:
            last = str(error)
        if time.monotonic() >= deadline:
            return last
        time.sleep(1)


def main() -> int:
    url, seconds = sys.argv[1], float(sys.argv[2])
    trouble = wait(url, seconds)
    if trouble:
        print(
            f"{url} did not answer within {seconds:.0f} s; the last error: {trouble}\n"
            "Only quorate:access.apiCidrs may reach it: is this host in one of them?",
            file=sys.stderr,
        )
    return 1 if trouble else 0


if __name__ == "__main__":
    sys.exit(main())
