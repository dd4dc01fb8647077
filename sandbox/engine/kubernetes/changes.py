"""Create, Read, Update and Delete requests: what is asked of the cluster, and the state that comes of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

from pulumi.runtime.proto import provider_pb2 as proto

from sandbox.engine.kubernetes import naming
from sandbox.engine.kubernetes.access import Access
from sandbox.engine.kubernetes.checkpoint import (
    UnsupportedValueError,
    checkpoint,
    initial_api_version,
    parse_checkpoint,
    to_object,
    with_secrets,
)
from sandbox.engine.kubernetes.cluster import NoMatchError
from sandbox.engine.kubernetes.errors import PartialError
from sandbox.engine.kubernetes.lifecycle import Lifecycle
from sandbox.engine.kubernetes.normalize import as_inputs, has_unknowns, is_crd, normalize
from sandbox.engine.kubernetes.objects import (
    Object,
    kind_of,
    name_of,
    prune,
    resource_id,
    split_id,
    text,
)
from sandbox.engine.kubernetes.operations import Operation
from sandbox.engine.kubernetes.refusals import REFUSALS, is_forbidden, is_no_preview, serves
from sandbox.engine.kubernetes.rest import ApiError
from sandbox.engine.kubernetes.settings import Settings
from sandbox.engine.kubernetes.task import Task
from sandbox.engine.kubernetes.tokens import Token
from sandbox.engine.plugin.differences import parse_path
from sandbox.engine.plugin.properties import Properties, Value, decode, encode
from sandbox.engine.plugin.server import InitializationFailedError, PluginError, ResourcePlugin

_MISSING_CRD = "the apiVersion for this resource does not exist. Verify that any required CRDs have been created"
_DELETE_UNREACHABLE = (
    "If the cluster was deleted, you can remove this resource from Pulumi state by rerunning the operation with the "
    'PULUMI_K8S_DELETE_UNREACHABLE environment variable set to "true"'
)


class ObjectChanges:
    """The requests that reach the cluster, for one configured provider."""

    def __init__(self, plugin: ResourcePlugin, settings: Settings, access: Access, lifecycle: Lifecycle) -> None:
        self._plugin, self._settings, self._access, self._lifecycle = plugin, settings, access, lifecycle

    def create(self, token: Token, request: Any) -> proto.CreateResponse:
        given = decode(request.properties)
        inputs = self._object(given)
        patch = self._lifecycle.is_patch(token, inputs)
        cluster = self._access.cluster
        if request.preview and (patch or has_unknowns(inputs) or not serves(cluster, inputs)):
            return proto.CreateResponse(properties=request.properties)
        manager = naming.field_manager(inputs, {})
        operation = self._operation(request, manager, patch)
        failed: PartialError | None = None
        try:
            live = operation.create(inputs)
        except PartialError as error:
            live, failed = error.object, error
        except NoMatchError as error:
            raise PluginError(
                f'creation of resource "{request.urn}" with kind {kind_of(inputs)} failed because the Kubernetes API '
                f"server reported that {_MISSING_CRD}: {error}"
            ) from None
        except REFUSALS as error:
            if request.preview and is_no_preview(error):
                return proto.CreateResponse(properties=request.properties)
            raise PluginError(
                f'resource "{request.urn}" was not successfully created by the Kubernetes API server: {error}'
            ) from None
        if request.preview:
            live.pop("status", None)
        elif is_crd(inputs) and cluster is not None:
            cluster.forget_kinds()
        state = checkpoint(inputs, live, given, text(inputs.get("apiVersion")), manager)
        if failed is not None:
            self._raise_partial(
                f'resource "{request.urn}" was successfully created, but the Kubernetes API server reported that it '
                f"failed to fully initialize or become live: {failed}",
                resource_id(live), state, failed,
            )  # fmt: skip
        return proto.CreateResponse(id="" if request.preview else resource_id(live), properties=encode(state))

    def update(self, token: Token, request: Any) -> proto.UpdateResponse:
        olds, given = decode(request.olds), decode(request.news)
        inputs = normalize(self._object(given))
        cluster = self._access.cluster
        if request.preview and (has_unknowns(inputs) or not serves(cluster, inputs)):
            return proto.UpdateResponse(properties=request.news)
        old_inputs, old_live = parse_checkpoint(olds)
        old_manager = naming.field_manager(old_inputs, olds)
        manager = naming.field_manager(inputs, olds)
        operation = self._operation(request, manager, self._lifecycle.is_patch(token, inputs))
        failed: PartialError | None = None
        try:
            sent = normalize(inputs)
            live = operation.update(sent, name_of(old_live), [parse_path(path) for path in request.ignoreChanges])
        except PartialError as error:
            live, failed = error.object, error
        except NoMatchError as error:
            raise PluginError(
                f'update of resource "{request.urn}" failed because the Kubernetes API server reported that '
                f"{_MISSING_CRD}: {error}"
            ) from None
        except REFUSALS as error:
            if request.preview and is_forbidden(error):
                return proto.UpdateResponse(properties=request.news)
            live, failed = self._refused_update(request.urn, old_live, error)
        state = checkpoint(inputs, live, given, initial_api_version(olds, inputs), manager)
        if failed is not None:
            identifier = resource_id(live)
            self._raise_partial(
                f'the Kubernetes API server reported that "{identifier}" failed to fully initialize or become live: '
                f"{failed}",
                identifier, state, failed,
            )  # fmt: skip
        if not request.preview and old_manager != manager:
            operation.relinquish(live, old_manager)
        return proto.UpdateResponse(properties=encode(state))

    def read(self, token: Token, request: Any) -> proto.ReadResponse:
        if self._access.cluster is None:
            return self._read_unreachable(request)
        olds, given = decode(request.properties), decode(request.inputs)
        namespace, name = split_id(request.id)
        if not name:
            raise PluginError(f"failed to read resource because {request.id!r} is not `namespace/name` or a name")
        old_inputs = normalize(self._object(given))
        _, old_live = parse_checkpoint(olds)
        found_anew = not old_inputs.get("kind") and not old_live.get("kind")
        if not old_inputs.get("kind"):
            old_inputs.update(
                apiVersion=old_live.get("apiVersion") or token.kind.api_version,
                kind=old_live.get("kind") or token.kind.kind,
            )
        metadata = old_inputs.setdefault("metadata", {})
        metadata.setdefault("name", name)
        if namespace:
            metadata.setdefault("namespace", namespace)
        manager = naming.field_manager(old_inputs, olds)
        failed: PartialError | None = None
        try:
            live = self._operation(request, manager, token.patch).read(old_inputs, name, check=not found_anew)
        except PartialError as error:
            live, failed = error.object, error
        except NoMatchError:
            return proto.ReadResponse()
        except REFUSALS as error:
            if isinstance(error, ApiError) and error.not_found:
                return proto.ReadResponse()
            raise PluginError(f"failed to read {request.id}: {error}") from None
        live_inputs = as_inputs(live) if found_anew else prune(live, old_inputs)
        api_version = initial_api_version(olds, old_inputs)
        state = checkpoint(live_inputs, live, given, api_version, manager)
        inputs = with_secrets(live_inputs, given)
        if failed is not None:
            self._raise_partial(str(failed), request.id, state, failed, inputs)
        return proto.ReadResponse(id=request.id, properties=encode(state), inputs=encode(inputs))

    def delete(self, token: Token, request: Any) -> None:
        if self._access.cluster is None:
            self._warn_unreachable(request.urn)
            if not self._settings.delete_unreachable:
                raise PluginError(f"configured Kubernetes cluster is unreachable. {_DELETE_UNREACHABLE}")
            return
        olds = decode(request.properties)
        inputs, live = parse_checkpoint(olds)
        manager = naming.field_manager(inputs, olds)
        operation = self._operation(request, manager, self._lifecycle.is_patch(token, inputs))
        try:
            operation.delete(inputs, live, split_id(request.id)[1])
        except PartialError as error:
            state = checkpoint(inputs, error.object, olds, initial_api_version(olds, inputs), manager)
            self._raise_partial(str(error), resource_id(error.object), state, error)
        except NoMatchError:
            return  # the kind is gone, and its objects with it
        except REFUSALS as error:
            raise PluginError(f'resource "{request.urn}" was not deleted: {error}') from None
        if is_crd(live):
            self._access.cluster.forget_kinds()

    def _refused_update(self, urn: str, old_live: Object, error: Exception) -> tuple[Object, PartialError]:
        """As pulumi-kubernetes does: the new inputs are kept beside the unchanged object, and tried again next time."""
        try:
            if self._access.cluster is None or isinstance(error, ValueError):
                raise error
            live = self._access.cluster.get(old_live)
        except REFUSALS:
            raise PluginError(f'update of resource "{urn}" failed: {error}') from None
        return live, PartialError(str(error), live, ())

    def _operation(self, request: Any, manager: str, patch: bool) -> Operation:
        if self._access.cluster is None:
            raise PluginError(f"configured Kubernetes cluster is unreachable: {self._access.unreachable}")
        task = Task(request.urn, self._plugin.log, self._plugin.cancelled, self._plugin.on_cancel)
        preview = bool(getattr(request, "preview", False))
        timeout = float(getattr(request, "timeout", 0.0))
        return Operation(task, self._access.cluster, self._settings, manager, patch, preview, timeout)

    def _object(self, properties: Properties) -> Object:
        try:
            return to_object(properties)
        except UnsupportedValueError as error:
            raise PluginError(str(error)) from None

    def _read_unreachable(self, request: Any) -> proto.ReadResponse:
        self._warn_unreachable(request.urn)
        if self._settings.delete_unreachable:
            return proto.ReadResponse()
        if self._settings.skip_update_unreachable:
            return proto.ReadResponse(id=request.id, properties=request.properties, inputs=request.inputs)
        raise PluginError(f"failed to read resource state due to unreachable cluster. {_DELETE_UNREACHABLE}")

    def _warn_unreachable(self, urn: str) -> None:
        self._plugin.log.warning(urn, f"configured Kubernetes cluster is unreachable: {self._access.unreachable}")
        if self._settings.delete_unreachable:
            self._plugin.log.info(
                urn, "the `deleteUnreachable` option is enabled: deleting the unreachable resource from Pulumi state"
            )

    def _raise_partial(
        self,
        message: str,
        identifier: str,
        state: Properties,
        error: PartialError,
        inputs: Mapping[str, Value] | None = None,
    ) -> NoReturn:
        raise InitializationFailedError(message, identifier, state, [message, *error.reasons], inputs)
