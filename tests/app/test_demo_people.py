"""The people of the demo: planted once, with a set of documents each and ids that the API's examples can name."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select

from app.context.assembled import Assembled
from app.context.contexts import Contexts
from app.context.explanations.asked import request_for
from app.context.policy import ContextPolicy
from app.context.retrieve import Request, Retriever
from app.context.users.known import KnownUser, load_user
from app.context.users.suggestions import confirm
from app.context.users.tables import PERSONAL_TABLES, FeedbackRow, GroupRow, MemoryRow, SuggestionRow, UserRow
from app.demo import TOPICS, guide_folder
from app.demo_people import (
    FACTS,
    GROUPS,
    MEMORIES,
    NOTES,
    SUGGESTIONS,
    USERS,
    WORKSPACE,
    plant_feedback,
    plant_people,
)
from tests.app.evaluation.world import WHOLE_DOCUMENTS
from tests.database import fresh_database
from tests.ingest.library import Library, text_upload

CUTTING = "cutting-documents-into-chunks"
OPEN = {f"{CUTTING}.md": "Cut documents where they change the subject.", "running-the-service.md": "One process."}
POLICY = ContextPolicy(budget_tokens=20_000)


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    """Yield the demo's workspace with two open documents, the groups' notes and its people; no test changes it."""
    folder: Path = tmp_path_factory.mktemp("demo")
    with fresh_database(folder) as database:
        library = planted(Library(database, folder, WORKSPACE))
        with database.write() as session:
            plant_feedback(session)
        yield library


def planted(library: Library) -> Library:
    """Return the library with the documents and the people."""
    uploads = [
        text_upload(name, text, document_id=f"demo-{name.removesuffix('.md')}", tags=["guide"])
        for name, text in OPEN.items()
    ]
    uploads += [text_upload(name, text, title=title, access=[who]) for name, (who, title, text) in NOTES.items()]
    library.ingest(*uploads)
    with library.database.write() as session:
        plant_people(session)
    return library


def known(library: Library, user_id: str) -> KnownUser:
    """Return what is known of a user."""
    with library.database.read() as session:
        return load_user(session, WORKSPACE, user_id)


def counts(library: Library) -> list[int]:
    """Return how many rows there are in each table of people."""
    with library.database.read() as session:
        tables = (UserRow, GroupRow, *PERSONAL_TABLES)
        return [session.scalar(select(func.count()).select_from(table)) or 0 for table in tables]


def context_of(library: Library, user_id: str | None) -> Assembled:
    """Return the context of every document that a user may read and wants."""
    contexts = Contexts(library.database, Retriever(library.database, library.views))
    asker = contexts.askers.of(WORKSPACE, user_id)
    request = Request(workspace_id=WORKSPACE, question="How large should my chunks be?", principal=asker.principal)
    return contexts.make(WHOLE_DOCUMENTS, POLICY, request_for(request, WHOLE_DOCUMENTS, POLICY), asker)[0]


def sent(library: Library, user_id: str | None) -> set[str]:
    """Return the external ids of the documents in a user's context."""
    names = {library.document(name).id: name for name in (*OPEN, *NOTES)}
    return {names[source.document_id] for source in context_of(library, user_id).sources}


def test_three_users_get_three_sets_of_documents(library: Library) -> None:
    assert sent(library, "ann") == {*OPEN, "support-notes"}
    assert sent(library, "ben") == {f"{CUTTING}.md", "engineering-notes"}
    assert sent(library, "cleo") == set(OPEN)
    assert sent(library, None) == set(OPEN)


def test_what_is_known_of_one_user_stands_in_no_other_context(library: Library) -> None:
    said = {user_id: "".join(context_of(library, user_id).rendered.contents) for user_id in ("ann", "ben", "cleo")}
    private = {"ann": ("Berlin", "900 short articles"), "ben": ("run books of 20 pages", "no GPU")}
    for owner, texts in private.items():
        for text in texts:
            assert [user_id for user_id in said if text in said[user_id]] == [owner]


def test_the_people_are_as_described(library: Library) -> None:
    for user_id, (groups, preferences) in USERS.items():
        user = known(library, user_id)
        assert (list(user.groups), user.preferences, user.opted_out) == (groups, preferences, False)
        assert {fact.key: fact.value for fact in user.facts} == FACTS.get(user_id, {})
    owners = {memory.id: user_id for user_id in USERS for memory in known(library, user_id).memories}
    assert owners == {memory_id: owner for memory_id, (owner, *_) in MEMORIES.items()}
    assert [turn.role for turn in known(library, "ann").turns] == ["user", "assistant"]


def test_everybody_is_in_a_group_that_exists(library: Library) -> None:
    with library.database.read() as session:
        assert set(session.scalars(select(GroupRow.name))) == set(GROUPS)
    assert {group for groups, _ in USERS.values() for group in groups} <= set(GROUPS)
    assert {who.removeprefix("group:") for who, *_ in NOTES.values()} <= set(GROUPS)


def test_suggestions_have_fixed_ids_and_can_be_decided(tmp_path: Path) -> None:
    with fresh_database(tmp_path) as database:
        planted(Library(database, tmp_path, WORKSPACE))
        with database.write() as session:
            rows = list(session.scalars(select(SuggestionRow).order_by(SuggestionRow.id)))
            assert tuple(row.id for row in rows) == SUGGESTIONS
            assert {(row.user_id, row.state) for row in rows} == {("ann", "open")}
            assert len({(row.kind, row.value) for row in rows}) == len(SUGGESTIONS)
            assert confirm(session, WORKSPACE, "ann", SUGGESTIONS[0]).state == "confirmed"


def test_planting_twice_is_planting_once(tmp_path: Path) -> None:
    with fresh_database(tmp_path) as database:
        library = planted(Library(database, tmp_path, WORKSPACE))
        before = counts(library)
        with database.write() as session:
            session.get_one(MemoryRow, "demo-memory").text = "Ann changed this."
        with database.write() as session:
            plant_people(session)
        assert counts(library) == before
        with database.read() as session:
            assert session.get_one(MemoryRow, "demo-memory").text == "Ann changed this."


def test_feedback_is_anns_about_a_page_of_the_guide(library: Library) -> None:
    with library.database.read() as session:
        rows = list(session.scalars(select(FeedbackRow)))
    assert {(row.user_id, row.document_id) for row in rows} == {("ann", f"demo-{CUTTING}")}
    assert {row.signal for row in rows} == {"thumb_up", "used"}


def test_wishes_name_pages_that_the_guide_has() -> None:
    pages = {path.name for path in guide_folder().glob("*.md")}
    banned = {source for _, preferences in USERS.values() for source in preferences.banned_sources}
    assert banned
    assert banned <= pages
    assert {f"{CUTTING}.md", *banned} <= {f"{stem}.md" for stem in TOPICS}
