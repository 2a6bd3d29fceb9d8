"""What an index answers with at one moment: its live rows, and which of them a principal may see."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from sqlalchemy import and_, select
from sqlalchemy.orm import Session

from indexes.access import Filter, Principal
from indexes.database.tables import Document, Served, Version
from indexes.segments import RowTable, open_rows, segment_folder
from indexes.stores import Mask

MASKS_KEPT = 256
VIEWS_KEPT = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedDocument:
    """A live document as an index answers with it."""

    id: str
    version_id: str
    tags: tuple[str, ...]
    metadata: dict[str, Any]
    access: tuple[str, ...] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentView:
    """One segment: where it lies, its rows, and for each row the number of its document in the view (-1: not live)."""

    folder: Path
    table: RowTable
    documents: npt.NDArray[np.int32]


class IndexView:
    """One index at one generation of its workspace. Immutable but for its cache of masks; thread-safe.

    `documents` are sorted by id, so that a document's number orders ties.
    """

    def __init__(
        self,
        documents: list[ServedDocument],
        segments: list[SegmentView],
        unserved: list[tuple[str, ...] | None],
    ) -> None:
        self.documents = documents
        self.segments = segments
        self._unserved_access = unserved
        self._lock = threading.Lock()
        self._masks: OrderedDict[tuple[frozenset[str], str], list[Mask | None]] = OrderedDict()
        self._principals_that_matter = frozenset(name for document in documents for name in document.access or ())

    def missing_documents(self, principal: Principal) -> int:
        """Return how many documents the principal may read are not (or not in their newest version) in the index."""
        return sum(principal.may_read(access) for access in self._unserved_access)

    def masks(self, principal: Principal, restriction: Filter | None) -> list[Mask | None]:
        """Return for each segment the rows that are live, readable and pass the filter; None means every row."""
        if restriction is not None and not restriction.conditions:
            restriction = None
        # as JSON, because True and 1 are one key to Python and two values to a filter
        said = restriction.model_dump_json() if restriction is not None else ""
        key = (principal.names & self._principals_that_matter, said)
        with self._lock:
            if key in self._masks:
                self._masks.move_to_end(key)
                return self._masks[key]
        masks = self._compute_masks(principal, restriction)
        with self._lock:
            self._masks[key] = masks
            while len(self._masks) > MASKS_KEPT:
                self._masks.popitem(last=False)
        return masks

    def _compute_masks(self, principal: Principal, restriction: Filter | None) -> list[Mask | None]:
        readable = [document for document in self.documents if principal.may_read(document.access)]
        if restriction is not None:
            restriction.check_fields({field for document in readable for field in document.metadata})
        seen = np.zeros(len(self.documents) + 1, dtype=np.bool_)  # the last place answers for -1: rows not live
        for number, document in enumerate(self.documents):
            seen[number] = principal.may_read(document.access) and (
                restriction is None or restriction.holds(document.tags, document.metadata)
            )
        masks: list[Mask | None] = [seen[segment.documents] for segment in self.segments]
        return [None if mask is not None and mask.all() else mask for mask in masks]


@dataclass(frozen=True, slots=True)
class RowPlace:
    """Where the rows of one document lie."""

    document_id: str
    segment_folder: Path
    first_row: int
    row_count: int


def view_of_places(
    documents: list[ServedDocument], places: list[RowPlace], unserved: list[tuple[str, ...] | None] | None = None
) -> IndexView:
    """Return a view of `documents`, sorted by id here, whose rows lie at `places`; other rows are not live.

    `unserved` are the access lists of documents that should be served as well, and are not.
    """
    documents = sorted(documents, key=lambda document: document.id)
    numbers = {document.id: number for number, document in enumerate(documents)}
    by_folder: dict[Path, list[tuple[int, int, int]]] = {}
    for place in places:
        rows = (numbers[place.document_id], place.first_row, place.row_count)
        by_folder.setdefault(place.segment_folder, []).append(rows)
    segments = [_segment_view(folder, by_folder[folder]) for folder in sorted(by_folder)]
    return IndexView(documents, segments, unserved or [])


def load_view(session: Session, data_folder: Path, workspace_id: str, index_id: str) -> IndexView:
    """Read what the index serves of the live documents of its workspace."""
    pending = Version.state.in_(("queued", "processing"))
    statement = (
        select(
            Document.id, Document.tags, Document.attributes, Document.access, Document.ready_version_id,
            pending.label("is_pending"), Served.version_id, Served.segment_id, Served.first_row, Served.row_count,
        )
        .join(Version, Version.id == Document.latest_version_id)
        .outerjoin(Served, and_(Served.document_id == Document.id, Served.index_id == index_id))
        .where(Document.workspace_id == workspace_id, Document.deleted_at.is_(None))
    )  # fmt: skip
    documents: list[ServedDocument] = []
    unserved: list[tuple[str, ...] | None] = []
    places: list[RowPlace] = []
    for row in session.execute(statement):
        access = None if row.access is None else tuple(row.access)
        if row.is_pending or (row.ready_version_id is not None and row.ready_version_id != row.version_id):
            unserved.append(access)
        if row.version_id is None:
            continue
        folder = segment_folder(data_folder, index_id, row.segment_id)
        places.append(RowPlace(row.id, folder, row.first_row, row.row_count))
        documents.append(
            ServedDocument(
                id=row.id, version_id=row.version_id, tags=tuple(row.tags), metadata=row.attributes, access=access
            )
        )
    return view_of_places(documents, places, unserved)


def _segment_view(folder: Path, places: list[tuple[int, int, int]]) -> SegmentView:
    table = open_rows(folder)
    documents = np.full(len(table), -1, dtype=np.int32)
    for number, first_row, row_count in places:
        documents[first_row : first_row + row_count] = number
    return SegmentView(folder=folder, table=table, documents=documents)


class Views:
    """The views in use, newest generation only; safe to share between threads."""

    def __init__(self, data_folder: Path) -> None:
        self._data_folder = data_folder
        self._lock = threading.Lock()
        self._views: OrderedDict[str, tuple[int, IndexView]] = OrderedDict()

    def get(self, session: Session, workspace_id: str, generation: int, index_id: str) -> IndexView:
        """Return the index as of `generation`, which the caller read in the same unit of work."""
        with self._lock:
            known = self._views.get(index_id)
            if known is not None and known[0] == generation:
                self._views.move_to_end(index_id)
                return known[1]
        view = load_view(session, self._data_folder, workspace_id, index_id)
        with self._lock:
            self._views[index_id] = generation, view
            while len(self._views) > VIEWS_KEPT:
                self._views.popitem(last=False)
        return view

    def forget(self) -> None:
        """Let go of every view, with what it knows of documents that are gone."""
        with self._lock:
            self._views.clear()
