"""Which operation of a service's model a request asks for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import parse_qsl

from botocore.exceptions import UnknownServiceError
from botocore.model import OperationModel, ServiceModel
from moto.core.request import Request
from moto.core.routing import get_service_router
from moto.core.utils import get_service_model
from werkzeug.exceptions import NotFound

from sandbox.cloud.api.calls import Call
from sandbox.cloud.api.refusals import Refused

_CLASSIC_BALANCERS = "2012-06-01"
_CONTROL_PATH = "/v20180820/"


@dataclass(frozen=True)
class Asked:
    """An operation, and what the request says in the places where its protocol puts members."""

    operation: OperationModel
    protocol: str
    form: tuple[tuple[str, str], ...] = ()
    labels: Mapping[str, str] | None = None


def operation_of(environ: Mapping[str, Any], body: bytes, call: Call) -> Asked | None:
    """None where the service, or the address of a REST one, is in no model. Raises Refused for an unknown action."""
    form = _form(environ, body)
    model = _model(_service(call.service, environ.get("PATH_INFO", ""), dict(form).get("Version", "")))
    if model is None:
        return None
    protocol = str(model.metadata["protocol"])
    if protocol.startswith("rest"):
        return _rest(environ, model, protocol)
    if protocol == "json":
        target = environ.get("HTTP_X_AMZ_TARGET", "")
        if target != f"{model.metadata['targetPrefix']}.{call.action}" or call.action not in model.operation_names:
            raise Refused("UnknownOperationException", f"there is no operation {target or 'without X-Amz-Target'}")
        return Asked(model.operation_model(call.action), protocol)
    if not form:
        return None
    if call.action not in model.operation_names:
        raise Refused("InvalidAction", f"The action {call.action} is not valid for this web service.")
    version = dict(form).get("Version", "NO_VERSION_SPECIFIED")
    if version != model.api_version and protocol != "ec2":  # EC2 goes on with its older versions
        raise Refused("InvalidAction", f"Could not find operation {call.action} for version {version}")
    return Asked(model.operation_model(call.action), protocol, form)


def _form(environ: Mapping[str, Any], body: bytes) -> tuple[tuple[str, str], ...]:
    if not environ.get("CONTENT_TYPE", "").startswith("application/x-www-form-urlencoded"):
        return ()
    return tuple(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))


def _service(signed: str, path: str, version: str) -> str:
    """The model's name of a service that signs as `signed`."""
    if signed == "s3" and path.startswith(_CONTROL_PATH):
        return "s3control"
    if signed == "elasticloadbalancing":
        return "elb" if version == _CLASSIC_BALANCERS else "elbv2"
    return signed


@cache
def _model(service: str) -> ServiceModel | None:
    try:
        return get_service_model(service)
    except UnknownServiceError:
        return None


def _rest(environ: Mapping[str, Any], model: ServiceModel, protocol: str) -> Asked | None:
    try:
        operation, labels = get_service_router(model.service_name).match(Request(dict(environ)))
    except NotFound:
        return None
    return Asked(operation, protocol, labels=labels)
