"""Whatever stands in a property, no rule ends in a traceback: what is wrong with it, the provider tells."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.catalogue import RULES
from policies.evaluate import on_stack
from policies.model import Resource, Stack
from policies.values import UNKNOWN
from tests.policies.sound_stack import CONTEXT, sound_stack

LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.just(UNKNOWN),
    st.integers(-1, 70000),
    st.floats(0, 2),
    st.sampled_from(
        ["", "0.0.0.0/0", "::/0", "no network", "*", "-1", "true", "{", '{"Statement": [1]}', "H4sI", "a:b/c"]
    ),
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(["name", "encrypted", "ebs", "policy", "hostKey", "Statement"]), inner, max_size=3
        ),
    ),
    max_leaves=6,
)
SOUND = sound_stack()
PLACES = [
    (index, key)
    for index, resource in enumerate(SOUND.resources)
    for key in (*resource.props, "ingress", "acl", "managedPolicyArns")
]


def with_value(index: int, key: str, value: Any) -> Stack:
    def change(resource: Resource) -> Resource:
        inside = resource.props.get(key)
        # Half of the faults are one level down, where most of the rules look.
        if isinstance(inside, dict) and isinstance(value, dict):
            return replace(resource, props={**resource.props, key: {**inside, **dict.fromkeys(inside, value)}})
        return replace(resource, props={**resource.props, key: value})

    return Stack(tuple(change(r) if i == index else r for i, r in enumerate(SOUND.resources)))


@pytest.mark.slow
@settings(max_examples=400)
@given(st.sampled_from(PLACES), VALUES)
def test_no_value_ends_in_a_traceback(place: tuple[int, str], value: Any) -> None:
    stack = with_value(*place, value)
    for rule in RULES:
        on_stack(rule, stack, CONTEXT, {})
