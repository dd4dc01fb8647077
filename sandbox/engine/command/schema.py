"""What the plugin `command` 1.2.1 takes and gives: its types, resources and function, as tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

NAME = "command"
VERSION = "1.2.1"

# Types of properties that are not names of object types or enums; the value is their form in a package schema.
_PLAIN: Mapping[str, Mapping[str, Any]] = {
    "string": {"type": "string"},
    "boolean": {"type": "boolean"},
    "integer": {"type": "integer"},
    "number": {"type": "number"},
    "strings": {"type": "array", "items": {"type": "string"}},
    "anything": {"type": "array", "items": {"$ref": "pulumi.json#/Any"}},
    "string map": {"type": "object", "additionalProperties": {"type": "string"}},
    "asset map": {"type": "object", "additionalProperties": {"$ref": "pulumi.json#/Asset"}},
    "archive": {"$ref": "pulumi.json#/Archive"},
    "asset or archive": {"$ref": "pulumi.json#/Asset"},
}


@dataclass(frozen=True)
class Property:
    """One property. `type` is a key of _PLAIN or the token of an object type or enum of this schema."""

    name: str
    type: str
    text: str
    required: bool = False
    default: str | int | bool | None = None
    secret: bool = False
    replaces: bool = False


@dataclass(frozen=True)
class ObjectType:
    """`go_name` is how the original names the type in its messages about wrong input."""

    token: str
    go_name: str
    properties: tuple[Property, ...]

    def property(self, name: str) -> Property | None:
        return next((property for property in self.properties if property.name == name), None)


@dataclass(frozen=True)
class Resource:
    """`updatable`: without it every change replaces. `results` are outputs that are not inputs too."""

    token: str
    inputs: ObjectType
    results: tuple[Property, ...] = ()
    updatable: bool = True
    deprecation: str = ""


LOGGING = {
    "stdout": "Log what is written to standard output only",
    "stderr": "Log what is written to standard error only",
    "stdoutAndStderr": "Log both",
    "none": "Log nothing",
}


def _connection(token: str, go_name: str, *more: Property) -> ObjectType:
    properties = (
        Property("host", "string", "Name or address to connect to.", required=True),
        Property("port", "number", "Port to connect to.", default=22),
        Property("user", "string", "User to log in as.", default="root"),
        Property("password", "string", "Password of the user."),
        Property("privateKey", "string", "Private key of the user, PEM; tried before the password."),
        Property("privateKeyPassword", "string", "Password of the private key, if it is encrypted."),
        Property("hostKey", "string", "Public key that the host must have; without it any is accepted."),
        Property("agentSocketPath", "string", "Socket of an SSH agent; SSH_AUTH_SOCK if not given."),
        Property("dialErrorLimit", "integer", "How many dials may fail; -1 is no limit.", default=10),
        Property("perDialTimeout", "integer", "Seconds that one dial may take; 0 is no limit.", default=15),
    )
    return ObjectType(token, go_name, properties + more)


PROXY = _connection("command:remote:ProxyConnection", "remote.ProxyConnection")
CONNECTION = _connection(
    "command:remote:Connection",
    "remote.Connection",
    Property("proxy", PROXY.token, "Host through which the connection goes."),
)
ENUMS = ("command:local:Logging", "command:remote:Logging")
OBJECT_TYPES = {type.token: type for type in (CONNECTION, PROXY)}

_CONNECT = Property("connection", CONNECTION.token, "How to connect to the host.", required=True, secret=True)
_TRIGGERS = Property("triggers", "anything", "Any change to one of these values replaces the resource.", replaces=True)
_STDIN = Property("stdin", "string", "Text for the command's standard input.")
_ENVIRONMENT = Property("environment", "string map", "Environment variables for the command.")
_PREVIOUS = Property(
    "addPreviousOutputInEnv", "boolean", default=True,
    text="Whether update and delete find the last output in PULUMI_COMMAND_STDOUT and PULUMI_COMMAND_STDERR.",
)  # fmt: skip
_STDOUT = Property("stdout", "string", "What the command wrote to standard output.", required=True)
_STDERR = Property("stderr", "string", "What the command wrote to standard error.", required=True)


def _life_cycle(logging: str) -> tuple[Property, ...]:
    return (
        Property("create", "string", "Command to run when the resource is created."),
        Property("update", "string", "Command to run when an input changes; if not given, `create` runs again."),
        Property("delete", "string", "Command to run when the resource is deleted."),
        Property("logging", logging, "Which of the command's output is logged."),
        _TRIGGERS, _STDIN, _ENVIRONMENT, _PREVIOUS,
    )  # fmt: skip


_LOCAL_ONLY = (
    Property("interpreter", "strings", 'Program and arguments that run the command; ["/bin/sh", "-c"] if not given.'),
    Property("dir", "string", "Working directory of the command."),
    Property("assetPaths", "strings", "Globs of the files to return as assets; a leading ! excludes."),
    Property("archivePaths", "strings", "Globs of the files to return as one archive; a leading ! excludes."),
)
_LOCAL_RESULTS = (
    _STDOUT,
    _STDERR,
    Property("assets", "asset map", "Files that assetPaths matched, by their path."),
    Property("archive", "archive", "Files that archivePaths matched."),
)

LOCAL_COMMAND = Resource(
    "command:local:Command",
    ObjectType("", "local.CommandInputs", _life_cycle(ENUMS[0]) + _LOCAL_ONLY),
    _LOCAL_RESULTS,
)
REMOTE_COMMAND = Resource(
    "command:remote:Command",
    ObjectType("", "remote.CommandInputs", (_CONNECT, *_life_cycle(ENUMS[1]))),
    (_STDOUT, _STDERR),
)
COPY_TO_REMOTE = Resource(
    "command:remote:CopyToRemote",
    ObjectType(
        "", "remote.CopyToRemoteInputs",
        (
            _CONNECT, _TRIGGERS,
            Property("source", "asset or archive", "File, text or folder to copy.", required=True),
            Property("remotePath", "string", "Where to copy it to; missing parents are created.", required=True),
        ),
    ),
)  # fmt: skip
COPY_FILE = Resource(
    "command:remote:CopyFile",
    ObjectType(
        "", "remote.CopyFileInputs",
        (
            _CONNECT, _TRIGGERS,
            Property("localPath", "string", "Path of the file here.", required=True),
            Property("remotePath", "string", "Path of the file on the host.", required=True),
        ),
    ),
    updatable=False,
    deprecation="Use CopyToRemote.",
)  # fmt: skip
RESOURCES = {resource.token: resource for resource in (LOCAL_COMMAND, REMOTE_COMMAND, COPY_TO_REMOTE, COPY_FILE)}

RUN = "command:local:run"
RUN_INPUTS = ObjectType(
    "", "local.RunInputs",
    (
        Property("command", "string", "Command to run, at every preview and every update.", required=True),
        Property("logging", ENUMS[0], "Which of the command's output is logged."),
        _STDIN, _ENVIRONMENT, _PREVIOUS, *_LOCAL_ONLY,
    ),
)  # fmt: skip
RUN_RESULTS = _LOCAL_RESULTS


def package_schema() -> dict[str, Any]:
    """The package's schema in Pulumi's own form."""
    types: dict[str, Any] = {type.token: _object(type.properties) for type in OBJECT_TYPES.values()}
    values = [{"value": value, "description": text} for value, text in LOGGING.items()]
    types.update({token: {"type": "string", "enum": values} for token in ENUMS})
    resources = {}
    for resource in RESOURCES.values():
        resources[resource.token] = {
            **_object(resource.inputs.properties + resource.results),
            "inputProperties": _properties(resource.inputs.properties),
            "requiredInputs": _required(resource.inputs.properties),
        }
        if resource.deprecation:
            resources[resource.token]["deprecationMessage"] = resource.deprecation
    run = {"inputs": _object(RUN_INPUTS.properties), "outputs": _object(RUN_INPUTS.properties + RUN_RESULTS)}
    return {"name": NAME, "version": VERSION, "types": types, "resources": resources, "functions": {RUN: run}}


def _object(properties: Sequence[Property]) -> dict[str, Any]:
    return {"type": "object", "properties": _properties(properties), "required": _required(properties)}


def _required(properties: Sequence[Property]) -> list[str]:
    return sorted(property.name for property in properties if property.required)


def _properties(properties: Sequence[Property]) -> dict[str, Any]:
    return {property.name: _property(property) for property in properties}


def _property(property: Property) -> dict[str, Any]:
    form = dict(_PLAIN.get(property.type) or {"$ref": f"#/types/{property.type}"})
    form["description"] = property.text
    if property.default is not None:
        form["default"] = property.default
    if property.secret:
        form["secret"] = True
    if property.replaces:
        form["replaceOnChanges"] = True
    return form
