"""What a user banned, by source and by tag."""

from __future__ import annotations

import pytest

from app.context.users.banned_sources import Ban, bans_on
from app.context.users.feedback_boosts import DocumentTraits
from app.context.users.known import Preferences

DOCUMENTS = [
    DocumentTraits(document_id="a", external_id="handbook", tags=("legal", "old")),
    DocumentTraits(document_id="b", external_id="blog", tags=("draft", "old")),
    DocumentTraits(document_id="c"),
]


@pytest.mark.parametrize(
    ("preferences", "bans"),
    [
        (Preferences(), {}),
        (Preferences(banned_sources=("blog",)), {"b": Ban(by="source", value="blog")}),
        (Preferences(banned_tags=("old",)), {"a": Ban(by="tag", value="old"), "b": Ban(by="tag", value="old")}),
        (
            Preferences(banned_tags=("old", "draft")),
            {"a": Ban(by="tag", value="old"), "b": Ban(by="tag", value="draft")},
        ),
        (Preferences(banned_sources=("blog",), banned_tags=("draft",)), {"b": Ban(by="source", value="blog")}),
        (Preferences(banned_sources=("b", "None")), {}),
        (Preferences(preferred_sources=("blog",), banned_tags=("draft",)), {"b": Ban(by="tag", value="draft")}),
    ],
)
def test_bans_name_the_preference_behind_them(preferences: Preferences, bans: dict[str, Ban]) -> None:
    assert bans_on(DOCUMENTS, preferences) == bans
