"""The index behind an alias: what answers users follows uploads and misses nothing, or catches up, and is kept."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from app.context.aliases.changes import drop_candidate
from app.context.aliases.records import AliasChangeRow
from app.context.aliases.serving_index import check_index_unneeded, is_to_answer
from app.context.saved_strategies import ensure_index, find_index
from app.context.strategy import SearchSetup
from configs.errors import ConflictError
from indexes.database.catalog import missing_versions
from indexes.database.tables import IndexRow, Job
from ingest.builds import BUILD_INDEX
from tests.app.context.aliases.bots import BOT, BY, Bots
from tests.app.evaluation.world import WORKSPACE, lexical


def refused(code: str) -> Any:
    return pytest.raises(ConflictError, check=lambda error: error.code == code)


def index_of(bots: Bots, setup: SearchSetup) -> IndexRow:
    with bots.world.database.read() as session:
        index = find_index(session, WORKSPACE, setup)
        assert index is not None
        return index


def missing(bots: Bots, setup: SearchSetup) -> int:
    with bots.world.database.read() as session:
        return len(missing_versions(session, WORKSPACE, index_of(bots, setup).id))


def builds(bots: Bots) -> list[Job]:
    """Return the builds that wait for a worker."""
    waiting = select(Job).where(Job.kind == BUILD_INDEX, Job.state == "queued")
    with bots.world.database.read() as session:
        return list(session.scalars(waiting))


def catch_up(bots: Bots, change: AliasChangeRow, setup: SearchSetup) -> None:
    """Check that the change queued the build of the setup's index, run it, and see that nothing is missing."""
    (job,) = builds(bots)
    assert (job.id, job.arguments) == (change.details["build_job"], {"index_id": index_of(bots, setup).id})
    assert missing(bots, setup)
    bots.world.work(job.id)
    assert not missing(bots, setup)


def test_a_canary_of_an_index_that_misses_documents_is_refused(bots: Bots) -> None:
    bots.promote("nothing")
    bots.world.add("birch", "The birch has white bark.")
    before = bots.row().last_change
    with refused("index_behind") as caught:
        bots.candidate("small", 1, percent=50)
    assert (caught.value.extra["missing_documents"], caught.value.extra["build"]["method"]) == (1, "POST")
    assert bots.row().last_change == before
    assert (builds(bots), index_of(bots, lexical(16)).maintained) == ([], False)
    bots.candidate("small", 1)
    assert not index_of(bots, lexical(16)).maintained, "a candidate that answers nobody costs nothing"
    bots.world.build(lexical(16))
    bots.candidate("small", 1, percent=50)


def test_the_index_of_a_canary_follows_uploads(bots: Bots) -> None:
    bots.promote("nothing")
    bots.candidate("small", 1, percent=50)
    bots.world.add("birch", "The birch has white bark.")
    assert not missing(bots, lexical(16))


def test_an_overridden_promotion_brings_in_what_the_index_misses(bots: Bots) -> None:
    bots.world.add("birch", "The birch has white bark.")
    change = bots.promote("small", 1)
    assert bots.answers() == ("active", "small", 1)
    assert index_of(bots, lexical(16)).maintained
    catch_up(bots, change, lexical(16))


def test_a_rollback_answers_at_once_and_catches_up(bots: Bots) -> None:
    for version in ("small", "nothing", "large"):
        if version == "large":
            bots.world.build(lexical(64))
        bots.promote(version, 1)
    bots.do(lambda session: setattr(session.get_one(IndexRow, index_of(bots, lexical(16)).id), "maintained", False))
    bots.world.add("birch", "The birch has white bark.")
    assert bots.roll_back().details == {"from_strategy": "large", "from_version": 1}, "a reference line has no index"
    back = bots.roll_back()
    assert bots.answers() == ("active", "small", 1)
    assert index_of(bots, lexical(16)).maintained
    assert back.details["from_strategy"] == "nothing"
    catch_up(bots, back, lexical(16))


def test_where_nothing_is_missing_nothing_is_built(bots: Bots) -> None:
    changes = [bots.promote("small", 1), bots.promote("small", 2), bots.roll_back()]
    assert not any("build_job" in change.details for change in changes)
    assert builds(bots) == []


def test_a_build_that_waits_is_joined(bots: Bots) -> None:
    bots.world.add("birch", "The birch has white bark.")
    jobs = {change.details["build_job"] for change in (bots.promote("small", 1), bots.promote("small", 2))}
    assert jobs == {job.id for job in builds(bots)}
    assert len(jobs) == 1


def test_promotion_lets_the_index_follow_uploads_and_the_old_one_goes_on(bots: Bots) -> None:
    bots.promote("small", 1)
    bots.world.build(lexical(64))
    bots.promote("large")
    bots.world.add("birch", "The birch has white bark.")
    for setup in (lexical(16), lexical(64)):
        assert index_of(bots, setup).maintained
        assert not missing(bots, setup)


def test_an_index_of_its_own_that_is_built_later_follows_uploads_too(bots: Bots) -> None:
    stores = [{"kind": "faiss_flat"}, {"kind": "bm25"}]
    wide = lexical(32, embedder={"kind": "hashing"}, stores=stores, fusion={"kind": "convex"})
    bots.world.build(wide)
    bots.save("narrow", lexical(32))
    own = bots.do(lambda session: ensure_index(session, WORKSPACE, lexical(32), maintained=False)).id
    with bots.world.database.read() as session:
        assert not is_to_answer(session, WORKSPACE, lexical(32))
    bots.promote("narrow")
    answering = index_of(bots, lexical(32))
    assert answering.id == index_of(bots, wide).id != own
    with bots.world.database.read() as session:
        assert session.get_one(IndexRow, own).maintained
        assert is_to_answer(session, WORKSPACE, lexical(32))
        assert not is_to_answer(session, WORKSPACE, lexical(48))
    bots.world.add("birch", "The birch has white bark.")
    assert index_of(bots, lexical(32)).id == answering.id, "with one of two documents it does not answer yet"
    bots.world.build(lexical(32))
    assert index_of(bots, lexical(32)).id == own
    bots.world.add("willow", "The willow drinks much water.")
    assert not missing(bots, lexical(32))


@pytest.mark.parametrize(("percent", "expected"), [(0, False), (5, True)])
def test_a_candidate_answers_users_where_it_has_a_share_of_them(bots: Bots, percent: int, expected: bool) -> None:
    bots.promote("nothing")
    bots.candidate("small", 1, percent=percent)
    with bots.world.database.read() as session:
        assert is_to_answer(session, WORKSPACE, lexical(16)) is expected


def test_indexes_that_an_alias_may_need_are_kept(bots: Bots) -> None:
    bots.world.build(lexical(64))
    bots.world.build(lexical(32))
    small, large, other = (index_of(bots, lexical(size)).id for size in (16, 64, 32))
    with bots.world.database.read() as session:
        check_index_unneeded(session, WORKSPACE, small)
    bots.promote("small", 1)
    bots.candidate("large")
    with bots.world.database.read() as session, pytest.raises(ConflictError, match="candidate"):
        check_index_unneeded(session, WORKSPACE, large)
    bots.do(lambda session: drop_candidate(session, WORKSPACE, BOT, BY))
    with bots.world.database.read() as session:
        check_index_unneeded(session, WORKSPACE, large)
    bots.promote("large")
    with bots.world.database.read() as session:
        for index, role in ((small, "previous"), (large, "active")):
            with pytest.raises(ConflictError, match=role):
                check_index_unneeded(session, WORKSPACE, index)
        check_index_unneeded(session, WORKSPACE, other)
    bots.promote("nothing")
    with bots.world.database.read() as session:
        check_index_unneeded(session, WORKSPACE, small)
