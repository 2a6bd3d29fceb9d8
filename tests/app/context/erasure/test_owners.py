"""Names in JSON columns: found as whole strings wherever they stand, and never as a part of another."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select

from app.context.erasure.owners import Documents, Owner, Person, names_one_of
from app.context.saved_contexts import ContextRow
from indexes.database.engine import Database
from tests.database import add_workspace, fresh_database

NAMES = ["ann", "an", "ann%", "a_n", "ann_", "ann.", "ann-1", "%", "_", "ann/x"]
names = st.sampled_from(NAMES)
values: st.SearchStrategy[Any] = st.recursive(
    st.one_of(names, st.none(), st.integers(0, 9), names.map(lambda name: f"user:{name}"), names.map(" {} ".format)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(names, inner, max_size=3)),
    max_leaves=8,
)


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """Yield a database with a workspace for contexts."""
    folder: Path = tmp_path_factory.mktemp("names")
    with fresh_database(folder) as database:
        with database.write() as session:
            add_workspace(session)
        yield database


def found(database: Database, receipts: list[Any], *wanted: str) -> list[int]:
    """Return the positions of the receipts that hold one of the wanted names."""
    with database.write() as session:
        session.execute(delete(ContextRow))
        session.add_all(
            ContextRow(id=f"c{number}", workspace_id="w", request={}, receipt={"said": receipt})
            for number, receipt in enumerate(receipts)
        )
        session.flush()
        ids = session.scalars(select(ContextRow.id).where(names_one_of(ContextRow.receipt, *wanted)))
        return sorted(int(one[1:]) for one in ids)


def strings(value: Any) -> Iterator[str]:
    """Yield every string of a JSON value, keys included."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for one in value:
            yield from strings(one)
    elif isinstance(value, dict):
        yield from value
        for one in value.values():
            yield from strings(one)


@settings(max_examples=30)
@given(receipts=st.lists(values, max_size=6), wanted=st.lists(names, min_size=1, max_size=3))
def test_rows_are_found_by_their_whole_strings(library: Database, receipts: list[Any], wanted: list[str]) -> None:
    holding = [number for number, one in enumerate(receipts) if set(wanted) & set(strings(one))]
    assert found(library, receipts, *wanted) == holding


@pytest.mark.parametrize("part", ["an", "nn", "ann", "user", "user:", ":anna", "anna ", "%", "_nna"])
def test_a_part_of_a_string_is_no_name(library: Database, part: str) -> None:
    assert found(library, [["user:anna", {"by": "anna"}]], part) == []


@pytest.mark.parametrize("other", ["ANNA", "Anna"])
def test_a_name_in_other_letters_is_another_name(library: Database, other: str) -> None:
    assert found(library, ["anna"], other) == []


def test_an_owner_of_nothing_keeps_everything(library: Database) -> None:
    owner = Owner()
    documents, person = (
        Documents(workspace_id="w", ids=("d",), version_ids=("v",)),
        Person(workspace_id="w", user_id="a"),
    )
    with library.write() as session:
        assert owner.erase_documents(session, documents) == owner.erase_person(session, person) == {}
        assert owner.remove_files(session, documents) == 0
        assert owner.expire == {}
