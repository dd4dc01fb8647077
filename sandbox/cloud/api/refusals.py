"""A refused request, in the words of its service's protocol (pure)."""

from __future__ import annotations

import json
from xml.sax.saxutils import escape

from sandbox.cloud.api.calls import Call


class Refused(Exception):
    """The request is refused; `code` is AWS's error code, `noted` what the log may hold of the message."""

    def __init__(self, code: str, message: str, status: int = 400, noted: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.status = status
        self.noted = message if noted is None else noted


def error_body(call: Call, code: str, text: str) -> str:
    """An error as the service's protocol has it: JSON, EC2's XML, S3's, or that of the other query services."""
    if call.speaks_json:
        return json.dumps({"__type": code, "message": text})
    error = f"<Error><Code>{code}</Code><Message>{escape(text)}</Message></Error>"
    if call.service == "ec2":
        return f"<Response><Errors>{error}</Errors><RequestID>sandbox</RequestID></Response>"
    if call.service == "s3":
        return error
    return f"<ErrorResponse>{error}<RequestId>sandbox</RequestId></ErrorResponse>"
