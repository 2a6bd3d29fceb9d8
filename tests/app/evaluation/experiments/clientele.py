"""Users whose needs are planted: each topic has documents that only a profile can tell apart."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import numpy as np

from app.context.users.known import Preferences
from app.context.users.registration import add_group, put_user
from configs.part import JsonObject
from tests.app.evaluation.experiments.laboratory import Laboratory
from tests.app.evaluation.world import WORKSPACE, asked, whole

TOPICS = ("heron", "otter", "beaver", "stork")
VARIANTS = ("amber", "blue", "coral", "denim", "ebony", "fawn")
USERS, GROUP_SIZE = 12, 4
BEFORE = datetime.now(UTC) - timedelta(days=1)

Choice = Callable[[int, int], int]
"""The number of the variant that a user (first) needs, or prefers, of a topic (second)."""


def document(topic: int, variant: int) -> str:
    """Return the id of a document; those of one topic score alike for its question."""
    return f"{TOPICS[topic]}-{VARIANTS[variant]}"


def plant(laboratory: Laboratory, needs: Choice, prefers: Choice) -> None:
    """Add documents, users who prefer sources, and the question set `clientele`: each user asks about each topic."""
    world = laboratory.world
    world.add_all(
        {
            document(topic, variant): f"The {name} lives by quiet water. This is the {word} leaflet."
            for topic, name in enumerate(TOPICS)
            for variant, word in enumerate(VARIANTS)
        }
    )
    with world.database.write() as session:
        for group in range(USERS // GROUP_SIZE):
            add_group(session, WORKSPACE, f"team{group}", "")
        for user in range(USERS):
            sources = tuple(document(topic, prefers(user, topic)) for topic in range(len(TOPICS)))
            put_user(
                session, WORKSPACE, name(user), groups=(f"team{user // GROUP_SIZE}",),
                preferences=Preferences(preferred_sources=sources), opted_out=False, at=BEFORE,
            )  # fmt: skip
    world.save("clientele", *(question(user, topic, needs) for user in range(USERS) for topic in range(len(TOPICS))))


def question(user: int, topic: int, needs: Choice) -> JsonObject:
    """Return what a user asks about a topic, with the document that answers this user."""
    return asked(
        f"Where does the {TOPICS[topic]} live?", whole(document(topic, needs(user, topic))),
        id=f"{name(user)}-{TOPICS[topic]}", user_id=name(user), cluster=f"{user}-{topic}",
    )  # fmt: skip


def name(user: int) -> str:
    """Return the id of a user."""
    return f"user{user:02}"


def at_random(seed: int) -> Choice:
    """Return a choice for each user and topic by itself."""
    drawn = np.random.default_rng(seed).integers(len(VARIANTS), size=(USERS, len(TOPICS)))
    return lambda user, topic: int(drawn[user, topic])


def by_group(seed: int) -> Choice:
    """Return a choice that differs between groups and is the same within one."""
    random = np.random.default_rng(seed)
    drawn = np.array([random.permutation(len(VARIANTS)) for _ in TOPICS])
    return lambda user, topic: int(drawn[topic, user // GROUP_SIZE])
