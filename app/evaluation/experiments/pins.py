"""The versions an experiment runs on, fixed when it is created, and the views of indexes over exactly those."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.context.saved_strategies import find_index
from app.context.strategy import SearchSetup
from indexes.database.catalog import load_workspace
from indexes.database.tables import Document, Served
from indexes.jobs import RunningJob
from indexes.segments import remove_index_folder, segment_folder
from indexes.view import IndexView, RowPlace, ServedDocument, damaged_segments, view_of_places
from ingest.baking import IDS_PER_QUERY, batches, chunk_versions, embed_versions
from ingest.recipe import IndexRecipe
from ingest.serving import Target, bake_segments

Pins = Mapping[str, str]
"""Version by document."""


def pin_versions(session: Session, workspace_id: str) -> dict[str, str]:
    """Return the version that answers at present for each live document of the workspace."""
    load_workspace(session, workspace_id)
    statement = select(Document.id, Document.ready_version_id).where(
        Document.workspace_id == workspace_id, Document.deleted_at.is_(None), Document.ready_version_id.is_not(None)
    )
    return {document_id: str(version_id) for document_id, version_id in session.execute(statement)}


def served_pins(session: Session, workspace_id: str, setup: SearchSetup, pins: Pins) -> str | None:
    """Return the id of the index that answers the setup with exactly the pinned versions, None where there is none."""
    index = find_index(session, workspace_id, setup)
    if index is None or index.built_at is None:
        return None
    statement = select(Served.document_id, Served.version_id).where(Served.index_id == index.id)
    served = dict(session.execute(statement).all())
    return index.id if all(served.get(document_id) == version for document_id, version in pins.items()) else None


def pinned_view(
    job: RunningJob, data_folder: Path, setup: SearchSetup, pins: Pins, folder_name: str
) -> Generator[None, None, IndexView]:
    """Return a view over the pinned versions for the setup, whatever was uploaded or deleted since.

    It reads the index that serves them; where none does, or a segment of it is damaged, it bakes segments of its own
    into `segments/<folder_name>` (no index answers from them). Chunks and vectors that are missing are made and cached,
    a batch for each step.
    """
    workspace_id = str(job.workspace_id)
    with job.database.read() as session:
        index_id = served_pins(session, workspace_id, setup, pins)
        if index_id is not None and not damaged_segments(session, data_folder, index_id):
            return view_of_places(_documents(session, pins), _places(session, data_folder, index_id, pins))
    places = yield from _bake_pins(job, data_folder, setup.recipe, pins, folder_name)
    with job.database.read() as session:
        return view_of_places(_documents(session, pins), places)


def remove_baked(data_folder: Path, folder_names: Sequence[str]) -> None:
    """Remove the segments that experiments baked for themselves."""
    for name in folder_names:
        remove_index_folder(data_folder, name)


def _bake_pins(
    job: RunningJob, data_folder: Path, recipe: IndexRecipe, pins: Pins, folder_name: str
) -> Generator[None, None, list[RowPlace]]:
    remove_baked(data_folder, [folder_name])  # what an earlier attempt left
    version_ids = sorted(pins.values())
    yield from chunk_versions(job, recipe, version_ids)
    yield from embed_versions(job, recipe, version_ids)
    places: list[RowPlace] = []
    for segment in bake_segments(job, data_folder, Target(folder_name, recipe), version_ids):
        folder = segment_folder(data_folder, folder_name, segment.written.id)
        places += [RowPlace(one.document_id, folder, one.first_row, one.row_count) for one in segment.places]
        job.progress("indexing", len(places), len(version_ids))
        yield
    return places


def _places(session: Session, data_folder: Path, index_id: str, pins: Pins) -> list[RowPlace]:
    columns = select(Served.document_id, Served.segment_id, Served.first_row, Served.row_count)
    return [
        RowPlace(row.document_id, segment_folder(data_folder, index_id, row.segment_id), row.first_row, row.row_count)
        for row in session.execute(columns.where(Served.index_id == index_id))
        if row.document_id in pins
    ]


def _documents(session: Session, pins: Pins) -> list[ServedDocument]:
    documents = []
    for batch in batches(sorted(pins), IDS_PER_QUERY):
        columns = select(Document.id, Document.tags, Document.attributes, Document.access)
        for row in session.execute(columns.where(Document.id.in_(batch))):
            access = None if row.access is None else tuple(row.access)
            documents.append(
                ServedDocument(
                    id=row.id, version_id=pins[row.id], tags=tuple(row.tags), metadata=row.attributes, access=access
                )
            )
    return documents
