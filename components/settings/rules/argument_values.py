"""Values of kube-apiserver's arguments: what the API server takes, by kind, by name, and together. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from components.settings.rules.api_server_flags import (
    ADMISSION_PLUGINS,
    CIPHER_SUITES,
    GATES,
    LOCKED_OFF,
    LOCKED_ON,
    MINOR,
    RELEASE,
    Kind,
)
from components.settings.suggestions import did_you_mean
from components.timings import POD_GRACE

# What the API server's pod sees of its machine, beside certificates: files that it may read, and the one it may write.
API_SERVER_FOLDER: Final = "/etc/quorate/api-server"
AUDIT_LOGS: Final = "/var/log/kubernetes/audit"
_READ_ONLY: Final = (
    API_SERVER_FOLDER,
    "/etc/ca-certificates",
    "/etc/kubernetes",
    "/etc/ssl",
    "/usr/local/share/ca-certificates",
    "/usr/share/ca-certificates",
)
# Files that every machine has, and the API server's pod sees.
_PRESENT: Final = ("/etc/kubernetes/pki/ca.crt", "/etc/ssl/certs/ca-certificates.crt")

_BOOLEANS: Final = ("1", "t", "T", "TRUE", "true", "True", "0", "f", "F", "FALSE", "false", "False")
_TRUE: Final = _BOOLEANS[:6]
_UNITS: Final = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_DURATION_PART: Final = r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)(ns|us|µs|ms|s|m|h)"

# Least and most, in seconds for durations; numbers and durations are not negative.
_BOUNDS: Final[Mapping[str, tuple[float, float]]] = {
    "audit-log-batch-buffer-size": (1, math.inf),
    "audit-log-batch-max-size": (1, math.inf),
    "audit-log-batch-throttle-burst": (1, math.inf),
    "audit-log-truncate-max-event-size": (1, math.inf),
    "audit-webhook-batch-buffer-size": (1, math.inf),
    "audit-webhook-batch-max-size": (1, math.inf),
    "audit-webhook-batch-throttle-burst": (1, math.inf),
    "audit-webhook-truncate-max-event-size": (1, math.inf),
    "delete-collection-workers": (1, math.inf),
    "goaway-chance": (0, 0.02),
    "kubernetes-service-node-port": (0, 32767),
    "request-timeout": (1, math.inf),
    "shutdown-delay-duration": (0, POD_GRACE - 1),
}
_WHY_BOUNDED: Final[Mapping[str, str]] = {
    "goaway-chance": "the API server doesn't start with more",
    "request-timeout": "the API server would end requests before it can answer",
    "shutdown-delay-duration": f"the kubelet kills an API server that has not ended after {POD_GRACE} s",
}
_CHOICES: Final[Mapping[str, tuple[str, ...]]] = {
    "audit-log-format": ("json", "legacy"),
    "audit-log-mode": ("batch", "blocking", "blocking-strict"),
    "audit-log-version": ("audit.k8s.io/v1",),
    "audit-webhook-mode": ("batch", "blocking", "blocking-strict"),
    "audit-webhook-version": ("audit.k8s.io/v1",),
    "authentication-token-webhook-version": ("v1", "v1beta1"),
    "authorization-webhook-version": ("v1", "v1beta1"),
    "endpoint-reconciler-type": ("lease",),
    "logging-format": ("text", "json"),
    "storage-backend": ("etcd3",),
    "storage-media-type": ("application/json", "application/vnd.kubernetes.protobuf", "application/yaml"),
    "tls-min-version": ("VersionTLS12", "VersionTLS13"),
}
_WHY_CHOSEN: Final[Mapping[str, str]] = {
    "endpoint-reconciler-type": "with another, the Service kubernetes has no endpoints or too few",
}
_SIGNING: Final = "RS256 RS384 RS512 ES256 ES384 ES512 PS256 PS384 PS512 EdDSA"
_LISTED: Final[Mapping[str, str]] = {
    "enable-admission-plugins": ADMISSION_PLUGINS,
    "oidc-signing-algs": _SIGNING,
    "tls-cipher-suites": CIPHER_SUITES,
}
_PLUGINS_TO_LEAVE_OUT: Final = {
    "AlwaysDeny": "it refuses every request",
    "ImagePolicyWebhook": "it needs a configuration file, and the API server doesn't start without",
}
_API_GROUPS: Final = """
    admissionregistration.k8s.io apiextensions.k8s.io apiregistration.k8s.io apps authentication.k8s.io
    authorization.k8s.io autoscaling batch certificates.k8s.io coordination.k8s.io discovery.k8s.io events.k8s.io
    extensions flowcontrol.apiserver.k8s.io imagepolicy.k8s.io internal.apiserver.k8s.io networking.k8s.io node.k8s.io
    policy rbac.authorization.k8s.io resource.k8s.io scheduling.k8s.io storage.k8s.io storagemigration.k8s.io
"""
_PATTERNS: Final[Mapping[str, tuple[str, str]]] = {
    "external-hostname": (r"[A-Za-z0-9]([-A-Za-z0-9.]{0,252})(:[0-9]{1,5})?", "Write a host's name."),
    "oidc-issuer-url": (r"https://[^\s/?#]+[^\s?#]*", "Write a URL that begins with https://."),
    "show-hidden-metrics-for-version": (r"1\.[0-9]+", "Write the previous minor, such as 1.35."),
    "tls-curve-preferences": (r"[0-9]+(,[0-9]+)*", "Write numbers of curves, with commas between."),
}


def seconds(text: str) -> float | None:
    """A duration as Go writes it, such as 1h30m, in seconds; None when it is none."""
    sign = -1 if text.startswith("-") else 1
    bare = text[1:] if text[:1] in ("+", "-") else text
    if bare == "0":
        return 0.0
    if len(bare) > 100 or not re.fullmatch(f"({_DURATION_PART})+", bare):
        return None
    return sign * sum(float(number) * _UNITS[unit] for number, unit in re.findall(_DURATION_PART, bare))


def unusable(name: str, kind: Kind, value: str, minor: int) -> str | None:
    """A remedy when the API server of a Kubernetes minor can't take this value, else None."""
    if value != value.strip():
        return "Remove the spaces before or after it: the API server takes them as part of the value."
    return _BY_KIND[kind](name, value, minor) or _by_name(name, value, minor)


def conflicts(arguments: Mapping[str, str], minor: int) -> Iterator[tuple[str, str]]:
    """Arguments that can't be together, or not alone, each with a remedy."""
    oidc = [name for name in arguments if name.startswith("oidc-")]
    for needed in ("oidc-issuer-url", "oidc-client-id"):
        if oidc and needed not in arguments:
            yield oidc[0], f"Add {needed}: with any oidc argument the API server needs that and doesn't start without."
            break
    gates = dict(_pairs(arguments.get("feature-gates", "")))
    for name in arguments:
        buffered = name.endswith("info-buffer-size") and not re.fullmatch(r"0\w*", arguments[name])
        split = name.endswith("split-stream") and arguments[name] in _TRUE
        if (buffered or split) and "true" not in (gates.get("LoggingAlphaOptions"), gates.get("AllAlpha")):
            yield name, "Leave it out, or add LoggingAlphaOptions=true to feature-gates: it is refused without."
        ahead = name.endswith("emulation-forward-compatible") and arguments[name] in _TRUE
        if ahead and not _emulated(arguments, minor):
            yield name, f"Leave it out, or set emulated-version below 1.{minor}: the API server doesn't start without."
    inflight = ("max-requests-inflight", "max-mutating-requests-inflight")
    if all(arguments.get(name) == "0" for name in inflight):
        yield inflight[0], "Choose more than 0 for one of the two: together they are all that it may do at once."
    waits = _waits(arguments)
    if waits is not None and not waits[0] > waits[1] > waits[2]:
        name = next(name for name in arguments if name.startswith("coordinated-leadership-"))
        yield name, "Choose a lease longer than the deadline to renew it, and that longer than the pause between tries."


def _emulated(arguments: Mapping[str, str], minor: int) -> bool:
    found = re.fullmatch(r"(?:kube=)?1\.([0-9]{1,3})", arguments.get("emulated-version", ""))
    return found is not None and int(found[1]) < minor


def _waits(arguments: Mapping[str, str]) -> tuple[float, float, float] | None:
    defaults = {"lease-duration": "15s", "renew-deadline": "10s", "retry-period": "2s"}
    found = [seconds(arguments.get(f"coordinated-leadership-{name}", text)) for name, text in defaults.items()]
    lease, deadline, pause = found
    if lease is None or deadline is None or pause is None:
        return None
    return lease, deadline, pause


def _boolean(name: str, value: str, minor: int) -> str | None:
    return None if value in _BOOLEANS else "Write true or false, in quotes."


def _number(name: str, value: str, minor: int) -> str | None:
    if len(value) > 20 or not re.fullmatch(r"[+-]?[0-9]+", value):
        return "Write a whole number, in quotes."
    return _bounded(name, int(value), value)


def _fraction(name: str, value: str, minor: int) -> str | None:
    if len(value) > 50 or not re.fullmatch(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,2})?", value):
        return "Write a number, in quotes, such as 0.001."
    return _bounded(name, float(value), value)


def _duration(name: str, value: str, minor: int) -> str | None:
    found = seconds(value)
    if found is None:
        return "Write a duration with its unit, such as 30s, 5m or 1h30m."
    return _bounded(name, found, value, "s")


def _bounded(name: str, number: float, text: str, unit: str = "") -> str | None:
    least, most = _BOUNDS.get(name, (0, math.inf))
    if least <= number <= most:
        return None
    why = f": {_WHY_BOUNDED[name]}" if name in _WHY_BOUNDED else ""
    reach = f"at least {least:g}{unit}" if most == math.inf else f"{least:g}{unit} to {most:g}{unit}"
    return f"Choose {reach}{why}."


def _quantity(name: str, value: str, minor: int) -> str | None:
    fits = re.fullmatch(r"[0-9]{1,18}(Ki|Mi|Gi|Ti|k|K|M|G|T)?", value)
    return None if fits else "Write a quantity of bytes, such as 512Ki."


def _file(name: str, value: str, minor: int) -> str | None:
    if value in _PRESENT or (value.startswith(f"{API_SERVER_FOLDER}/") and ".." not in value):
        return None
    why = "the file would have to exist on every machine"
    return f"Leave it out: {why}, and of quorate's files the API server sees only {API_SERVER_FOLDER}."


def _version(name: str, value: str, minor: int) -> str | None:
    found = re.fullmatch(r"(?:kube=)?1\.([0-9]{1,3})", value)
    if not found or not minor - 3 <= int(found[1]) <= minor:
        return f"Write a minor from 1.{minor - 3} to 1.{minor}, such as 1.{minor - 1}."
    return None


def _words(name: str, value: str, minor: int) -> str | None:
    words = value.split(",")
    if any(word != word.strip() or not word for word in words):
        return "Write items with commas and no spaces between: the API server takes spaces as part of a name."
    if name in _LISTED and (name != "enable-admission-plugins" or minor == MINOR):
        known = _LISTED[name].split()
        wrong = next((word for word in words if word not in known), None)
        if wrong is not None:
            return (
                f"Leave {_shown(wrong)} out: kube-apiserver {RELEASE} knows no such name.{did_you_mean(wrong, known)}"
            )
    return None


def _gates(name: str, value: str, minor: int) -> str | None:
    for entry in value.split(","):
        found = re.fullmatch(r"(?:kube:)?([A-Za-z][A-Za-z0-9]{0,99})=(\w+)", entry)
        if not found or found[2] not in _BOOLEANS:
            return "Write gates as Name=true or Name=false, with commas and no spaces between."
        gate, on = found[1], found[2] in _TRUE
        if minor != MINOR:
            continue
        if gate not in GATES.split():
            return f"Leave {gate} out: Kubernetes {RELEASE} has no such gate.{did_you_mean(gate, GATES.split())}"
        if gate in (LOCKED_OFF if on else LOCKED_ON).split():
            return f"Leave {gate} out: Kubernetes {RELEASE} no longer lets it be {'on' if on else 'off'}."
    return None


def _any(name: str, value: str, minor: int) -> str | None:
    return None


_BY_KIND: Final[Mapping[Kind, Callable[[str, str, int], str | None]]] = {
    Kind.BOOLEAN: _boolean,
    Kind.NUMBER: _number,
    Kind.NUMBERS: _any,
    Kind.FRACTION: _fraction,
    Kind.DURATION: _duration,
    Kind.QUANTITY: _quantity,
    Kind.ADDRESS: _any,
    Kind.VERSION: _version,
    Kind.WORDS: _words,
    Kind.PAIRS: _any,
    Kind.GATES: _gates,
    Kind.FILE: _file,
    Kind.TEXT: _any,
}


def _by_name(name: str, value: str, minor: int) -> str | None:
    if name in _CHOICES and value not in _CHOICES[name]:
        why = f": {_WHY_CHOSEN[name]}" if name in _WHY_CHOSEN else ""
        choices = _CHOICES[name]
        return f"Choose {choices[0]}{why}." if len(choices) == 1 else f"Choose one of {', '.join(choices)}{why}."
    if name in _PATTERNS and not re.fullmatch(_PATTERNS[name][0], value):
        return _PATTERNS[name][1]
    special = _SPECIAL.get(name)
    return special(value, minor) if special else None


def _admission(value: str, minor: int) -> str | None:
    plugins = value.split(",")
    for plugin, why in _PLUGINS_TO_LEAVE_OUT.items():
        if plugin in plugins:
            return f"Leave {plugin} out: {why}."
    if "NodeRestriction" in plugins:
        return None
    return "Add NodeRestriction to the list: yours replaces kubeadm's, and a node could then change other nodes."


def _audit_log(value: str, minor: int) -> str | None:
    if value == "-":
        return None
    if not value.startswith("/") or value.endswith("/") or ".." in value or value == AUDIT_LOGS:
        return f"Write the path of a file below {AUDIT_LOGS}, or leave it out."
    if any(value.startswith(f"{folder}/") for folder in _READ_ONLY):
        return f"Choose a file below {AUDIT_LOGS}, or leave it out: the API server can't write to this folder."
    return None


def _runtime_config(value: str, minor: int) -> str | None:
    for key, switch in _pairs(value):
        if switch not in ("true", "false") or not re.fullmatch(r"api/\w+|v1|[a-z0-9.]{1,100}/v[0-9]+\w*", key):
            return "Write APIs as GROUP/VERSION=true or =false, with commas and no spaces between."
        group, _, version = key.rpartition("/")
        if group == "api" and version not in ("all", "ga", "beta", "alpha"):
            return "Write api/all, api/ga, api/beta, api/alpha, or GROUP/VERSION."
        if group not in ("", "api") and minor == MINOR and group not in _API_GROUPS.split():
            near = did_you_mean(group, _API_GROUPS.split())
            return f"Leave {_shown(key)} out: kube-apiserver {RELEASE} has no such group.{near}"
        stable = version in ("all", "ga") or re.fullmatch(r"v[0-9]+", version)
        if switch == "false" and stable:
            return f"Leave {_shown(key)} out: the cluster's own parts need stable APIs; only others can be off."
    return None


def _claims(value: str, minor: int) -> str | None:
    return None if re.fullmatch(r"[^=\s]+=.+", value) else "Write a claim as key=value."


def _cache_sizes(value: str, minor: int) -> str | None:
    fits = all(re.fullmatch(r"[a-z0-9.]+#[0-9]{1,9}", entry) for entry in value.split(","))
    return None if fits else "Write sizes as resource.group#size, such as pods#100, with commas between."


def _origins(value: str, minor: int) -> str | None:
    for origin in value.split(","):
        if not ("^" in origin or "//" in origin) or not ("$" in origin or ":" in origin):
            return "Begin each expression with ^ and end it with $: the API server doesn't start with open ones."
    return None


def _transport_security(value: str, minor: int) -> str | None:
    fits = all(re.fullmatch(r"max-age=[0-9]+|includeSubDomains|preload", entry) for entry in value.split(","))
    return None if fits else "Write max-age=SECONDS, includeSubDomains or preload, with commas between."


def _hidden_metrics(value: str, minor: int) -> str | None:
    return None if value == f"1.{minor - 1}" else f"Write 1.{minor - 1}: only the previous minor is meaningful."


_SPECIAL: Final[Mapping[str, Callable[[str, int], str | None]]] = {
    "audit-log-path": _audit_log,
    "cors-allowed-origins": _origins,
    "enable-admission-plugins": _admission,
    "oidc-required-claim": _claims,
    "runtime-config": _runtime_config,
    "show-hidden-metrics-for-version": _hidden_metrics,
    "strict-transport-security-directives": _transport_security,
    "watch-cache-sizes": _cache_sizes,
}


def _pairs(value: str) -> Iterator[tuple[str, str]]:
    for entry in value.split(","):
        key, _, after = entry.partition("=")
        yield key, after


def _shown(word: str) -> str:
    return word if word.isascii() and word.isprintable() and len(word) <= 60 else ascii(word[:60])
