"""Property values, out and back."""

from __future__ import annotations

import pytest
from google.protobuf import struct_pb2
from hypothesis import given
from hypothesis import strategies as st
from pulumi.runtime import rpc

from sandbox.engine.plugin import properties
from sandbox.engine.plugin.properties import (
    UNKNOWN,
    Archive,
    Asset,
    PropertyError,
    ResourceReference,
    Secret,
    Unknown,
    Value,
    contains_secret,
    contains_unknown,
    decode,
    encode,
    reveal,
)

KEYS = st.text(min_size=1, max_size=8).filter(lambda key: key != properties.SIGNATURE)
SCALARS: st.SearchStrategy[Value] = st.one_of(
    st.none(),
    st.booleans(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=20).filter(lambda text: text not in properties.UNKNOWN_KINDS),
    st.sampled_from([Unknown(kind) for kind in properties.UNKNOWN_KINDS.values()]),
    st.builds(Asset, path=st.text(min_size=1), hash=st.text(max_size=5)),
    st.builds(Asset, text=st.text()),
    st.builds(Archive, path=st.text(min_size=1)),
    st.builds(ResourceReference, urn=st.text(min_size=1), id=st.text(min_size=1)),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(KEYS, inner, max_size=4),
        inner.map(properties.secret),
    ),
    max_leaves=12,
)


@given(st.dictionaries(KEYS, VALUES, max_size=4))
def test_what_is_written_is_read_back(values: dict[str, Value]) -> None:
    assert decode(encode(values)) == values


@given(VALUES)
def test_nothing_secret_is_left_when_revealed(value: Value) -> None:
    assert not contains_secret(reveal(value))
    assert contains_unknown(reveal(value)) == contains_unknown(value)


def test_signatures_are_those_of_the_sdk() -> None:
    assert rpc._special_sig_key == properties.SIGNATURE
    assert rpc._special_secret_sig == properties.SECRET
    assert rpc._special_asset_sig == properties.ASSET
    assert rpc._special_archive_sig == properties.ARCHIVE
    assert rpc._special_resource_sig == properties.RESOURCE
    assert rpc._special_output_value_sig == properties.OUTPUT
    assert properties._UNKNOWN_SENTINELS["string"] == rpc.UNKNOWN


def test_an_output_value_becomes_what_it_holds() -> None:
    def output(**members: object) -> dict[str, object]:
        return {properties.SIGNATURE: properties.OUTPUT, **members}

    struct = struct_pb2.Struct()
    struct.update({"known": output(value="v", secret=True), "unknown": output(), "plain": output(value=1)})
    assert decode(struct) == {"known": Secret("v"), "unknown": UNKNOWN, "plain": 1.0}


def test_members_that_an_asset_does_not_use_are_left_out() -> None:
    struct = struct_pb2.Struct()
    sign = {properties.SIGNATURE: properties.ASSET}
    struct.update({"file": {**sign, "path": "p", "text": "", "uri": ""}, "text": {**sign, "text": "", "hash": "h"}})
    assert decode(struct) == {"file": Asset(path="p"), "text": Asset(text="", hash="h")}


def test_a_kind_of_value_that_is_not_modelled_is_named_with_its_place() -> None:
    struct = struct_pb2.Struct()
    struct.update({"outer": [{properties.SIGNATURE: "unheard of"}]})
    with pytest.raises(PropertyError, match=r"outer\[0\]: .* unheard of"):
        decode(struct)


def test_a_secret_does_not_print_its_value() -> None:
    assert "hidden" not in repr(Secret("hidden"))
