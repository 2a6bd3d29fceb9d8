"""Requests for erasures: exactly one target each, whose hash is its own, and every user who may exist can be one."""

from __future__ import annotations

import itertools

import pytest
from pydantic import ValidationError

from app.context.erasure.creation import NewErasure

TARGETS: list[tuple[dict[str, str], str]] = [
    ({"document_id": "a"}, "document"),
    ({"external_id": "a"}, "source"),
    ({"user_id": "a"}, "user"),
    ({"user_id": "a", "memory_id": "b"}, "memory"),
    ({"user_id": "ab"}, "user"),
    ({"user_id": "b", "memory_id": "a"}, "memory"),
    ({"document_id": "ab"}, "document"),
]


def erasure(**target: str) -> NewErasure:
    """Return a request to erase the target."""
    return NewErasure.model_validate(target)


@pytest.mark.parametrize(("target", "kind"), TARGETS)
def test_the_kind_is_told_by_what_is_named(target: dict[str, str], kind: str) -> None:
    assert erasure(**target).kind == kind


def test_no_two_targets_have_one_hash() -> None:
    hashes = [erasure(**target).hashed(workspace) for target, _ in TARGETS for workspace in ("w", "wa")]
    assert len(set(hashes)) == len(hashes)
    assert {len(one) for one in hashes} == {64}


def test_the_name_of_the_request_does_not_change_the_target() -> None:
    assert erasure(user_id="a", request="ticket 1").hashed("w") == erasure(user_id="a").hashed("w")


@pytest.mark.parametrize(
    "names", [(), *itertools.combinations(("document_id", "external_id", "user_id"), 2), ("memory_id",)]
)
def test_none_or_several_targets_are_refused(names: tuple[str, ...]) -> None:
    with pytest.raises(ValidationError, match="exactly one"):
        erasure(**dict.fromkeys(names, "a"))


@pytest.mark.parametrize("name", ["document_id", "external_id"])
def test_a_memory_goes_with_its_user_alone(name: str) -> None:
    with pytest.raises(ValidationError, match="needs the `user_id`"):
        erasure(**{name: "a", "memory_id": "b"})


@pytest.mark.parametrize("user_id", ["ann@example.org", "ann+work", "a" * 64])
def test_every_user_who_may_exist_can_be_erased(user_id: str) -> None:
    assert erasure(user_id=user_id).kind == "user"
