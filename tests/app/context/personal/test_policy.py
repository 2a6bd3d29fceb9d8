"""When anything personal can act, and what the policy refuses."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import ValidationError

from app.context.personal.policy import PersonalisationPolicy
from app.context.policy import ContextPolicy

SWITCHES = ("profile", "history", "memories", "preferences", "feedback")
switched = st.fixed_dictionaries({name: st.booleans() for name in SWITCHES})


@given(switches=switched, blend=st.sampled_from([0.0, 0.001, 0.2]), most_memories=st.integers(0, 100))
@example(switches=dict.fromkeys(SWITCHES, False), blend=0.001, most_memories=20)
@example(switches=dict.fromkeys(SWITCHES, False), blend=0.0, most_memories=20)
def test_a_policy_acts_where_any_switch_is_on_or_the_question_moves(
    switches: dict[str, bool], blend: float, most_memories: int
) -> None:
    policy = PersonalisationPolicy.model_validate(
        {**switches, "query": {"blend": blend}, "most_memories": most_memories}
    )
    assert policy.is_active == (any(switches.values()) or blend > 0)
    assert PersonalisationPolicy.model_validate_json(policy.model_dump_json()) == policy


def test_everything_but_moving_the_question_is_on_by_default() -> None:
    policy = ContextPolicy().personalisation
    assert policy.is_active
    assert all(getattr(policy, name) for name in SWITCHES)
    assert policy.query.blend == 0
    assert policy.most_memories == 20


@pytest.mark.parametrize(
    "content",
    [
        {"most_memories": 101},
        {"most_memories": -1},
        {"query": {"blend": 0.21}},
        {"boosts": {"limit": 0.21}},
        {"boosts": {"workspace_evidence": "all"}},
        {"facts": True},
    ],
)
def test_what_goes_too_far_is_refused(content: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ContextPolicy.model_validate({"personalisation": content})
