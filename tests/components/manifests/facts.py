"""What a manifest says that its programs depend on, as a set of lines; read from ours and from upstream's alike.

`python -m tests.components.manifests.facts MANIFEST >upstream/NAME-VERSION.txt` writes those of a manifest of upstream.
Only facts are kept, none of its text.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import yaml

Document = Mapping[str, Any]

_OF_POD = ("hostNetwork", "serviceAccountName", "priorityClassName")
_WORKLOADS = ("DaemonSet", "Deployment")


def facts_of(documents: Iterable[Document]) -> frozenset[str]:
    """Permissions, definitions, and of each container image, arguments, environment, mounts and privileges."""
    found = [document for document in documents if document]
    settings = {each["metadata"]["name"]: each.get("data", {}) for each in found if each["kind"] == "ConfigMap"}
    return frozenset(line for document in found for line in _of_document(document, settings))


def _of_document(document: Document, settings: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    kind, name = document["kind"], document["metadata"]["name"]
    if kind in ("ClusterRole", "Role"):
        yield from _of_rules(name, document.get("rules", ()))
    elif kind in ("ClusterRoleBinding", "RoleBinding"):
        for subject in document["subjects"]:
            yield f"{subject['kind']} {subject['name']} has role {document['roleRef']['name']}"
    elif kind == "CustomResourceDefinition":
        for version in document["spec"]["versions"]:
            status = " with status" if "status" in version.get("subresources", {}) else ""
            yield f"definition {name} {version['name']} {document['spec']['scope']}{status}"
    elif kind in _WORKLOADS:
        yield from _of_pod(name, document["spec"]["template"]["spec"], settings)
    elif kind == "ConfigMap":
        for key, value in document["data"].items():
            yield from _of_network_configuration(key, value)


def _of_rules(role: str, rules: Sequence[Document]) -> Iterator[str]:
    for rule in rules:
        names = "".join(f" named {name}" for name in rule.get("resourceNames", ()))
        for group, resource, verb in product(rule["apiGroups"], rule["resources"], rule["verbs"]):
            yield f"role {role} may {verb} {group}/{resource}{names}"


def _of_pod(name: str, pod: Document, settings: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    for key in _OF_POD:
        if key in pod:
            yield f"pod {name} {key}={_text(pod[key])}"
    yield from (f"pod {name} {line}" for line in _flat(pod.get("securityContext", {})))
    volumes = {volume["name"]: volume for volume in pod.get("volumes", ())}
    for container in (*pod.get("initContainers", ()), *pod["containers"]):
        for line in _of_container(container, volumes, settings):
            yield f"{name}/{container['name']} {line}"


def _of_container(
    container: Document, volumes: Mapping[str, Document], settings: Mapping[str, Mapping[str, str]]
) -> Iterator[str]:
    yield f"image {container['image']}"
    words: list[str] = [*container.get("command", ["what its image says"]), *container.get("args", ())]
    yield f"runs {words[0]}"
    yield from (f"argument {word}" for word in words[1:])
    yield from (f"environment {entry['name']}={_value(entry, settings)}" for entry in container.get("env", ()))
    yield from (f"environment of {entry['configMapRef']['name']}" for entry in container.get("envFrom", ()))
    for mount in container.get("volumeMounts", ()):
        where = _source(volumes[mount["name"]])
        only = " to read" if mount.get("readOnly") else ""
        yield f"mounts {where} at {mount['mountPath'].rstrip('/')}{only}{_shared(mount)}"
    yield from _flat(container.get("securityContext", {}))
    for probe in ("livenessProbe", "readinessProbe", "startupProbe"):
        if probe in container:
            yield f"{probe} {_asked(container[probe])}"
    for moment, hook in container.get("lifecycle", {}).items():
        yield f"{moment} {_asked(hook)}"
    yield from (f"port {_text(port['containerPort'])}" for port in container.get("ports", ()))


def _value(entry: Document, settings: Mapping[str, Mapping[str, str]]) -> str:
    source = entry.get("valueFrom", {})
    if "fieldRef" in source:
        return f"<{source['fieldRef']['fieldPath']}>"
    if "configMapKeyRef" in source:
        reference = source["configMapKeyRef"]
        value = settings[reference["name"]][reference["key"]]
        return "<network configuration>" if value.lstrip().startswith("{") else value
    return str(entry.get("value", ""))


def _of_network_configuration(key: str, value: str) -> Iterator[str]:
    """The parts of a CNI configuration, or of Flannel's own."""
    # Upstream writes numbers as words that the installer replaces.
    text = value.replace("__CNI_MTU__", "0").strip()
    if not text.startswith("{"):
        return
    document = json.loads(text)
    for plugin in document.pop("plugins", ()):
        yield from (f"{key} plugin {plugin['type']} {line}" for line in _flat(plugin))
    yield from (f"{key} {line}" for line in _flat(document))


def _source(volume: Document) -> str:
    if "hostPath" in volume:
        return f"host {volume['hostPath']['path'].rstrip('/')}"
    return "config map" if "configMap" in volume else "an empty directory"


def _shared(mount: Document) -> str:
    return f" {mount['mountPropagation']}" if "mountPropagation" in mount else ""


def _asked(probe: Document) -> str:
    if "exec" in probe:
        return f"runs {' '.join(probe['exec']['command'])}"
    return f"asks {probe['httpGet'].get('scheme', 'HTTP')} {probe['httpGet']['path']} at {probe['httpGet']['port']}"


def _flat(value: object, path: str = "") -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _flat(inner, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list):
        for inner in value:
            yield from _flat(inner, path)
    else:
        yield f"{path}={_text(value)}"


def _text(value: object) -> str:
    if isinstance(value, bool):
        return json.dumps(value)
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


if __name__ == "__main__":
    print("\n".join(sorted(facts_of(yaml.safe_load_all(Path(sys.argv[1]).read_text())))))
