"""The provider's own arguments: what is understood, what is refused, and defaults from the environment. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

PREFIX = "kubernetes:config:"

_BOOLEANS: Mapping[str, tuple[str, bool]] = {
    "deleteUnreachable": ("PULUMI_K8S_DELETE_UNREACHABLE", False),
    "skipUpdateUnreachable": ("PULUMI_K8S_SKIP_UPDATE_UNREACHABLE", False),
    "enableServerSideApply": ("PULUMI_K8S_ENABLE_SERVER_SIDE_APPLY", True),
    "enableConfigMapMutable": ("PULUMI_K8S_ENABLE_CONFIGMAP_MUTABLE", False),
    "enableSecretMutable": ("PULUMI_K8S_ENABLE_SECRET_MUTABLE", False),
    "enablePatchForce": ("PULUMI_K8S_ENABLE_PATCH_FORCE", False),
    "upsertExistingObjects": ("PULUMI_K8S_UPSERT_EXISTING_OBJECTS", False),
    "suppressDeprecationWarnings": ("PULUMI_K8S_SUPPRESS_DEPRECATION_WARNINGS", False),
    "suppressHelmHookWarnings": ("PULUMI_K8S_SUPPRESS_HELM_HOOK_WARNINGS", False),
}
_TEXTS = ("kubeconfig", "context", "cluster", "namespace", "clusterIdentifier")
_ENGINE_OWN = ("version", "pluginDownloadURL")
_CLIENT = frozenset({"burst", "qps", "timeout"})

REFUSED: Mapping[str, str] = {
    "renderYamlToDirectory": "it writes to a cluster, not to YAML files",
    "alwaysRender": "it writes to a cluster, not to YAML files",
    "helmReleaseSettings": "it serves no Helm releases",
    "strictMode": "it always takes the arguments as they are given",
}


class SettingsError(ValueError):
    """Provider arguments that can't be honoured; the message names each of them."""


@dataclass(frozen=True)
class Settings:
    """What the provider resource says. `timeout` in seconds, None for the usual ones."""

    kubeconfig: str = ""
    context: str = ""
    cluster: str = ""
    namespace: str = ""
    delete_unreachable: bool = False
    skip_update_unreachable: bool = False
    mutable_config_maps: bool = False
    mutable_secrets: bool = False
    force: bool = False
    upsert: bool = False
    await_all: bool = False
    helm_hook_warnings: bool = True
    qps: float = 50.0
    burst: int = 120
    timeout: float | None = None


def problems(names: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Arguments that can't be honoured, each with the reason."""
    found = []
    for name, value in names.items():
        if name in REFUSED and value not in (None, "", False, "false"):
            found.append((name, f"{name} is not modelled by this stand-in for pulumi-kubernetes: {REFUSED[name]}"))
        elif name == "enableServerSideApply" and value in (False, "false"):
            found.append(
                (name, "enableServerSideApply=false is not modelled by this stand-in: it always applies server-side")
            )
        elif name not in _BOOLEANS and name not in (*_TEXTS, *_ENGINE_OWN, *REFUSED, "kubeClientSettings"):
            found.append((name, f"{name} is not an argument of pulumi-kubernetes 4.34.2"))
    return found


def read(variables: Mapping[str, str], environment: Mapping[str, str]) -> Settings:
    """The settings of a Configure request's variables. Raises SettingsError."""
    given = {key.removeprefix(PREFIX): value for key, value in variables.items()}
    wrong = [reason for _, reason in problems(given)]

    def flag(name: str) -> bool:
        variable, default = _BOOLEANS[name]
        value = given.get(name, environment.get(variable))
        return default if value is None else value == "true"

    if not flag("enableServerSideApply") and not wrong:
        wrong.append("PULUMI_K8S_ENABLE_SERVER_SIDE_APPLY=false is not modelled by this stand-in")
    client = _client(given, environment, wrong)
    if wrong:
        raise SettingsError("\n".join(wrong))
    return Settings(
        kubeconfig=given.get("kubeconfig", ""),
        context=given.get("context", ""),
        cluster=given.get("cluster", ""),
        namespace=given.get("namespace", ""),
        delete_unreachable=flag("deleteUnreachable"),
        skip_update_unreachable=flag("skipUpdateUnreachable"),
        mutable_config_maps=flag("enableConfigMapMutable"),
        mutable_secrets=flag("enableSecretMutable"),
        force=flag("enablePatchForce"),
        upsert=flag("upsertExistingObjects"),
        await_all=environment.get("PULUMI_K8S_AWAIT_ALL") == "true",
        helm_hook_warnings=not flag("suppressHelmHookWarnings"),
        qps=client.get("qps") or Settings.qps,
        burst=int(client.get("burst") or Settings.burst),
        timeout=client.get("timeout") or None,
    )


def _client(given: Mapping[str, str], environment: Mapping[str, str], wrong: list[str]) -> dict[str, float]:
    """kubeClientSettings, completed from the environment; what is wrong with them goes to `wrong`."""
    result: dict[str, float] = {}
    try:
        settings = json.loads(given.get("kubeClientSettings") or "{}")
    except ValueError:
        settings = None
    if not isinstance(settings, dict) or set(settings) - _CLIENT:
        wrong.append("kubeClientSettings: expected an object with burst, qps and timeout")
        return result
    for name in sorted(_CLIENT):
        value = settings.get(name) or environment.get(f"PULUMI_K8S_CLIENT_{name.upper()}")
        try:
            if value:
                result[name] = float(value)
        except (TypeError, ValueError):
            wrong.append(f"kubeClientSettings: {name}: {value!r} is not a number")
    return result


def argument_types() -> dict[str, str]:
    """The arguments that can be honoured, with their types in a Pulumi schema."""
    texts = dict.fromkeys(_TEXTS, "string")
    booleans = dict.fromkeys(_BOOLEANS, "boolean")
    return {**texts, **booleans, "kubeClientSettings": "object"}
