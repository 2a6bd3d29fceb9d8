"""Whose preference holds: the request's, then the user's, then the workspace's, then the service's (which has none).

A field is taken whole from the most specific level that says it, an empty list included. What a more specific level
prefers a less specific one cannot ban, and the reverse. Groups have no preferences: a user may be in several, and no
group stands above another; they carry rights alone.
"""

from __future__ import annotations

from collections.abc import Sequence

from app.context.users.known import Preferences

LISTS = (("preferred_sources", "banned_sources"), ("preferred_tags", "banned_tags"))


def effective_preferences(*levels: Preferences | None) -> Preferences:
    """Return the preferences that hold, given those of each level from the most to the least specific."""
    known = [level for level in levels if level is not None]
    chosen = {name: getattr(known[at], name) for name in Preferences.model_fields if (at := _first(known, name)) >= 0}
    for preferred, banned in LISTS:
        if preferred in chosen and banned in chosen:
            weaker = banned if _first(known, preferred) < _first(known, banned) else preferred
            stronger = preferred if weaker == banned else banned
            chosen[weaker] = tuple(term for term in chosen[weaker] if term not in chosen[stronger])
    return Preferences.model_validate(chosen)


def _first(levels: Sequence[Preferences], name: str) -> int:
    """Return the number of the first level that says `name`, -1 where none does; null says nothing."""
    says = (
        at for at, level in enumerate(levels) if name in level.model_fields_set and getattr(level, name) is not None
    )
    return next(says, -1)
