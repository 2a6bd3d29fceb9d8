"""A world of topics, shared because no test changes it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.app.evaluation.screening.library import hybrid, topic_world
from tests.app.evaluation.world import World, lexical


@pytest.fixture(scope="session")
def topics(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    world = topic_world(tmp_path_factory.mktemp("topics"))
    world.build(hybrid())
    world.build(hybrid(40, chunker={"kind": "fixed", "size_tokens": 40, "overlap_tokens": 10}))
    world.build(lexical(64))
    world.build(lexical(chunker={"kind": "whole_document"}))
    yield world
    world.close()
