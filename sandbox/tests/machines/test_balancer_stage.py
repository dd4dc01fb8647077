"""What the tests of load balancers ask with is itself asked, without a machine."""

from __future__ import annotations

import http.server
import subprocess
import threading

import pytest

from sandbox.tests.machines.balancer_stage import all_at_once

TIMES = 24
ANSWER = "ip-10-60-0-10 10.60.0.4"

pytestmark = pytest.mark.slow


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = TIMES


def test_answers_that_come_at_once_have_a_line_each() -> None:
    everybody = threading.Barrier(TIMES)

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            everybody.wait(60)
            self.send_response(200)
            self.send_header("Content-Length", str(len(ANSWER)))
            self.end_headers()
            self.wfile.write(ANSWER.encode())

        def log_message(self, *_: object) -> None:
            pass

    with Server(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        for _ in range(5):
            asking = all_at_once(f"http://127.0.0.1:{server.server_port}/", 60, TIMES)
            said = subprocess.run(["bash", "-c", asking], capture_output=True, text=True, check=True).stdout
            assert said.splitlines() == [ANSWER] * TIMES
        server.shutdown()


def test_a_request_without_an_answer_is_an_empty_line() -> None:
    said = subprocess.run(["bash", "-c", all_at_once("http://127.0.0.1:1/", 5, 2)], capture_output=True, text=True)
    assert said.stdout == "\n\n"
