"""Which documents a user wants left out, and by which of their preferences."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from app.context.users.feedback_boosts import DocumentTraits
from app.context.users.known import Preferences

BANNED_SOURCE: Literal["banned_source"] = "banned_source"
"""Reason of the decision on a passage of such a document."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ban:
    """Why a document is left out: the banned external id, or the first of its tags that is banned."""

    by: Literal["source", "tag"]
    value: str


def bans_on(documents: Iterable[DocumentTraits], preferences: Preferences) -> dict[str, Ban]:
    """Return the ban on each document that has one, by document id. A ban outweighs every preference for the document.

    Banned documents are to be left out before boosts and packing, so that they take no place of others.
    """
    sources, tags = set(preferences.banned_sources), set(preferences.banned_tags)
    if not sources and not tags:
        return {}
    bans: dict[str, Ban] = {}
    for one in documents:
        if one.external_id is not None and one.external_id in sources:
            bans[one.document_id] = Ban(by="source", value=one.external_id)
        elif not tags.isdisjoint(one.tags):
            bans[one.document_id] = Ban(by="tag", value=next(tag for tag in one.tags if tag in tags))
    return bans
