"""The gRPC face of the plugin: the provider resource, functions, and Check and Diff of objects."""

from __future__ import annotations

import os
from typing import Any

from google.protobuf import empty_pb2
from pulumi.runtime.proto import provider_pb2 as proto

from sandbox.engine.kubernetes import configuration, manifests
from sandbox.engine.kubernetes.access import Access, DeclaredKinds, TooOldError, connect
from sandbox.engine.kubernetes.changes import ObjectChanges
from sandbox.engine.kubernetes.lifecycle import Autonaming, Lifecycle
from sandbox.engine.kubernetes.schema import schema
from sandbox.engine.kubernetes.settings import Settings, SettingsError, read
from sandbox.engine.kubernetes.tokens import RefusedTypeError, Token, parse, type_of_urn
from sandbox.engine.plugin.differences import parse_path
from sandbox.engine.plugin.engine_log import EngineLog
from sandbox.engine.plugin.properties import decode, encode
from sandbox.engine.plugin.server import NotModelledError, PluginError, ResourcePlugin

VERSION = "4.34.2"
_MODES = {0: "propose", 1: "enforce", 2: "disabled"}


class KubernetesPlugin(ResourcePlugin):
    """Any kind of object, on the cluster that Configure names."""

    name = "kubernetes"
    version = VERSION

    def __init__(self, log: EngineLog) -> None:
        super().__init__(log)
        self._settings = Settings()
        self._access = Access(None, "", "the provider is not configured")
        self._declared = DeclaredKinds()

    @property
    def _lifecycle(self) -> Lifecycle:
        return Lifecycle(self._settings, self._access, self._declared)

    @property
    def _changes(self) -> ObjectChanges:
        return ObjectChanges(self, self._settings, self._access, self._lifecycle)

    def Handshake(self, request: Any, context: Any) -> proto.ProviderHandshakeResponse:
        return proto.ProviderHandshakeResponse(
            accept_secrets=True, accept_resources=False, accept_outputs=False, supports_autonaming_configuration=True
        )

    def GetSchema(self, request: Any, context: Any) -> proto.GetSchemaResponse:
        if request.version:
            raise NotModelledError(f"unsupported schema version {request.version}")
        if request.subpackage_name:
            raise NotModelledError(f"schemas of parameterized packages ({request.subpackage_name}) are not modelled")
        return proto.GetSchemaResponse(schema=schema(VERSION))

    def CheckConfig(self, request: Any, context: Any) -> proto.CheckResponse:
        wrong = configuration.failures(decode(request.news))
        failures = [proto.CheckFailure(property=name, reason=reason) for name, reason in wrong]
        return proto.CheckResponse(inputs=request.news, failures=failures)

    def DiffConfig(self, request: Any, context: Any) -> proto.DiffResponse:
        old = decode(request.old_inputs) if request.old_inputs.fields else decode(request.olds)
        keys, replaces = configuration.changed(old, decode(request.news))
        changes = proto.DiffResponse.DIFF_SOME if keys else proto.DiffResponse.DIFF_NONE
        return proto.DiffResponse(changes=changes, diffs=keys, replaces=replaces)

    def Configure(self, request: Any, context: Any) -> proto.ConfigureResponse:
        variables = dict(request.variables) or configuration.as_variables(decode(request.args))
        try:
            self._settings = read(variables, os.environ)
            self._access = connect(self._settings)
        except (SettingsError, TooOldError) as error:
            raise PluginError(str(error)) from None
        return proto.ConfigureResponse(
            acceptSecrets=True, supportsPreview=True, acceptResources=False, supports_autonaming_configuration=True
        )

    def Invoke(self, request: Any, context: Any) -> proto.InvokeResponse:
        if request.tok != "kubernetes:yaml:decode":
            raise NotModelledError(f"{request.tok} is not modelled by this stand-in for pulumi-kubernetes")
        arguments = decode(request.args)
        text, namespace = arguments.get("text"), arguments.get("defaultNamespace")
        if not isinstance(text, str):
            raise PluginError("missing required field 'text' of type string")
        try:
            namespace = namespace if isinstance(namespace, str) else ""
            result = manifests.decode(text, namespace, self._lifecycle.is_namespaced)
        except manifests.ManifestError as error:
            raise PluginError(str(error)) from None
        return proto.InvokeResponse(**{"return": encode({"result": list(result)})})

    def Check(self, request: Any, context: Any) -> proto.CheckResponse:
        token = self._token(request.urn)
        if self._access.unreachable and self._settings.skip_update_unreachable:
            self.log.warning(
                request.urn, "Cluster is unreachable but skipUpdateUnreachable flag is set to true, skipping..."
            )
            return proto.CheckResponse(inputs=request.olds)
        news = decode(request.news)
        for warning in self._lifecycle.warnings(news):
            self.log.warning(request.urn, warning)
        try:
            checked = self._lifecycle.check(request.urn, token, decode(request.olds), news, _autonaming(request))
        except ValueError as error:
            raise PluginError(str(error)) from None
        return proto.CheckResponse(inputs=encode(checked))

    def Diff(self, request: Any, context: Any) -> proto.DiffResponse:
        try:
            ignored = [parse_path(path) for path in request.ignoreChanges]
            found = self._lifecycle.diff(self._token(request.urn), decode(request.olds), decode(request.news), ignored)
        except ValueError as error:
            raise PluginError(str(error)) from None
        different = found.changes or found.replaces
        return proto.DiffResponse(
            changes=proto.DiffResponse.DIFF_SOME if different else proto.DiffResponse.DIFF_NONE,
            replaces=found.replaces,
            deleteBeforeReplace=found.delete_first,
            detailedDiff={
                entry.key: proto.PropertyDiff(
                    kind=proto.PropertyDiff.Kind.ValueType(entry.change.on_the_wire(entry.replaces)),
                    inputDiff=entry.change.name == "DELETE",
                )
                for entry in found.changes
            },
            hasDetailedDiff=True,
        )

    def Create(self, request: Any, context: Any) -> proto.CreateResponse:
        return self._changes.create(self._token(request.urn), request)

    def Read(self, request: Any, context: Any) -> proto.ReadResponse:
        return self._changes.read(self._token(request.urn), request)

    def Update(self, request: Any, context: Any) -> proto.UpdateResponse:
        return self._changes.update(self._token(request.urn), request)

    def Delete(self, request: Any, context: Any) -> empty_pb2.Empty:
        self._changes.delete(self._token(request.urn), request)
        return empty_pb2.Empty()

    def Construct(self, request: Any, context: Any) -> proto.ConstructResponse:
        raise NotModelledError(
            f"{request.type}: components are not modelled by this stand-in for pulumi-kubernetes, "
            "which serves single objects"
        )

    def Call(self, request: Any, context: Any) -> proto.CallResponse:
        raise NotModelledError(f"{request.tok}: methods are not modelled by this stand-in for pulumi-kubernetes")

    def Parameterize(self, request: Any, context: Any) -> proto.ParameterizeResponse:
        raise NotModelledError("packages made from CustomResourceDefinitions are not modelled: use CustomResource")

    def GetMapping(self, request: Any, context: Any) -> proto.GetMappingResponse:
        return proto.GetMappingResponse()

    def GetMappings(self, request: Any, context: Any) -> proto.GetMappingsResponse:
        return proto.GetMappingsResponse()

    def _token(self, urn: str) -> Token:
        try:
            return parse(type_of_urn(urn))
        except RefusedTypeError as error:
            raise NotModelledError(str(error)) from None


def _autonaming(request: Any) -> Autonaming:
    if not request.HasField("autonaming"):
        return Autonaming(seed=request.randomSeed)
    asked = request.autonaming
    return Autonaming(request.randomSeed, asked.proposed_name, _MODES[asked.mode])
