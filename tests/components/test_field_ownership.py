"""Who owns the fields of Kubernetes objects: what the transform makes of a registration."""

from __future__ import annotations

from pulumi import ResourceOptions, ResourceTransformArgs

from components.field_ownership import ANNOTATIONS, FIELD_MANAGER, owned

OPTIONS = ResourceOptions(protect=True)


def arguments(type_: str, custom: bool = True, **props: object) -> ResourceTransformArgs:
    return ResourceTransformArgs(custom=custom, type_=type_, name="any", props=props, opts=OPTIONS)


def test_an_object_keeps_what_it_says_and_names_its_manager() -> None:
    metadata = {"name": "page", "annotations": {"pulumi.com/skipAwait": "true"}}
    result = owned(arguments("kubernetes:core/v1:ConfigMap", metadata=metadata, data={"a": "1"}))
    assert result is not None
    annotations = {"pulumi.com/skipAwait": "true", **ANNOTATIONS}
    assert result.props == {"metadata": {"name": "page", "annotations": annotations}, "data": {"a": "1"}}
    assert annotations["pulumi.com/patchFieldManager"] == FIELD_MANAGER
    assert result.opts is OPTIONS


def test_an_object_without_metadata_gets_some() -> None:
    result = owned(arguments("kubernetes:core/v1:ConfigMap"))
    assert result is not None
    assert result.props == {"metadata": {"annotations": ANNOTATIONS}}


def test_an_object_may_name_another_manager() -> None:
    other = {"annotations": {"pulumi.com/patchFieldManager": "other"}}
    result = owned(arguments("kubernetes:core/v1:ConfigMap", metadata=other))
    assert result is not None
    assert result.props == {"metadata": {"annotations": {**ANNOTATIONS, **other["annotations"]}}}


def test_what_is_no_object_stays_as_it_is() -> None:
    assert owned(arguments("aws:ec2/vpc:Vpc")) is None
    assert owned(arguments("kubernetes:yaml/v2:ConfigGroup", custom=False)) is None
