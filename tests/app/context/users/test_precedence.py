"""Whose preference holds: the most specific level that says something."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from app.context.users.known import Preferences
from app.context.users.precedence import effective_preferences

terms = st.lists(st.sampled_from("abcd"), max_size=3, unique=True).map(tuple)


@st.composite
def levels(draw: st.DrawFn) -> Preferences:
    """Return preferences that say some of the fields; what they prefer they do not ban."""
    said: dict[str, Any] = draw(
        st.fixed_dictionaries(
            {},
            optional={
                "language": st.sampled_from(["German", "French", None]),
                "verbosity": st.sampled_from(["brief", "detailed", None]),
                "preferred_tags": terms,
                "banned_tags": terms,
            },
        )
    )
    if "preferred_tags" in said and "banned_tags" in said:
        said["banned_tags"] = tuple(term for term in said["banned_tags"] if term not in said["preferred_tags"])
    return Preferences.model_validate(said)


@given(request=levels(), user=levels(), workspace=levels())
def test_a_field_comes_whole_from_the_first_level_that_says_it(
    request: Preferences, user: Preferences, workspace: Preferences
) -> None:
    order = (request, user, workspace)
    chosen = effective_preferences(*order)

    def first(name: str) -> tuple[int, Any]:
        for number, level in enumerate(order):
            if name in level.model_fields_set and getattr(level, name) is not None:
                return number, getattr(level, name)
        return len(order), getattr(Preferences(), name)

    assert chosen.language == first("language")[1]
    assert chosen.verbosity == first("verbosity")[1]
    (preferring, preferred), (banning, banned) = first("preferred_tags"), first("banned_tags")
    assert set(chosen.preferred_tags) == set(preferred) - (set(banned) if banning < preferring else set())
    assert set(chosen.banned_tags) == set(banned) - (set(preferred) if preferring < banning else set())


def test_request_before_user_before_workspace_before_service() -> None:
    request, user = Preferences(language="French"), Preferences(language="German", verbosity="brief")
    workspace = Preferences(language="English", verbosity="detailed", preferred_tags=("guide",))
    assert effective_preferences(request, user, workspace) == Preferences(
        language="French", verbosity="brief", preferred_tags=("guide",)
    )
    assert effective_preferences(None, None, None) == Preferences()


def test_an_empty_list_says_none() -> None:
    workspace = Preferences(preferred_tags=("guide",), banned_tags=("draft",))
    assert effective_preferences(Preferences(preferred_tags=()), workspace).preferred_tags == ()
    assert effective_preferences(Preferences(), workspace).preferred_tags == ("guide",)


def test_what_a_user_prefers_a_workspace_cannot_ban_and_the_reverse() -> None:
    prefers, bans = Preferences(preferred_sources=("a",)), Preferences(banned_sources=("a", "b"))
    assert effective_preferences(prefers, bans) == Preferences(preferred_sources=("a",), banned_sources=("b",))
    assert effective_preferences(bans, prefers) == Preferences(banned_sources=("a", "b"), preferred_sources=())


@pytest.mark.parametrize("what", ["sources", "tags"])
def test_nobody_prefers_what_they_ban(what: str) -> None:
    with pytest.raises(ValidationError, match=f"{what} cannot be preferred and banned at once: a"):
        Preferences.model_validate({f"preferred_{what}": ["a"], f"banned_{what}": ["a", "b"]})
