"""What an index answers with at one moment: its live rows, and which of them a principal may see."""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

import numpy as np
import numpy.typing as npt
from sqlalchemy import String, and_, bindparam, select, type_coerce
from sqlalchemy.orm import Session

from indexes.access import Filter, Principal
from indexes.database.catalog import list_segments
from indexes.database.tables import Document, Served, Version
from indexes.segments import RowTable, open_rows, segment_folder
from indexes.soundness import doubt, is_whole
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

    `documents` are sorted by id, so that a document's number orders ties. `damaged` names the segments that were left
    out because their files are not what was written; what they hold counts as missing.
    """

    def __init__(
        self,
        documents: list[ServedDocument],
        segments: list[SegmentView],
        unserved: list[tuple[str, ...] | None],
        damaged: frozenset[str] = frozenset(),
    ) -> None:
        self.documents = documents
        self.segments = segments
        self.damaged = damaged
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
            restriction.check_fields([document.metadata for document in readable])
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
    documents: list[ServedDocument],
    places: list[RowPlace],
    unserved: list[tuple[str, ...] | None] | None = None,
    damaged: frozenset[str] = frozenset(),
) -> IndexView:
    """Return a view of `documents`, sorted by id here, whose rows lie at `places`; other rows are not live.

    `unserved` are the access lists of documents that should be served as well, and are not.
    """
    documents = sorted(documents, key=lambda document: document.id)
    numbers = {document.id: number for number, document in enumerate(documents)}
    by_folder: dict[Path, list[tuple[int, int, int]]] = {}
    last, rows = None, []
    for place in places:
        if place.segment_folder is not last:  # hashing a path takes longer than all the rest
            last = place.segment_folder
            rows = by_folder.setdefault(last, [])
        rows.append((numbers[place.document_id], place.first_row, place.row_count))
    segments = [_segment_view(folder, by_folder[folder]) for folder in sorted(by_folder)]
    return IndexView(documents, segments, unserved or [], damaged)


def damaged_segments(session: Session, data_folder: Path, index_id: str) -> frozenset[str]:
    """Return the segments in use whose files are not what was written, as far as this process knows."""
    return frozenset(
        segment.id
        for segment in list_segments(session, index_id)
        if not is_whole(segment_folder(data_folder, index_id, segment.id), segment.checksums)
    )


def load_view(session: Session, data_folder: Path, workspace_id: str, index_id: str) -> IndexView:
    """Read what the index serves of the live documents of its workspace, out of segments that are whole."""
    damaged = damaged_segments(session, data_folder, index_id)
    documents: list[ServedDocument] = []
    unserved: list[tuple[str, ...] | None] = []
    places: list[RowPlace] = []
    folders: dict[str, Path] = {}
    parsed = _Parsed()
    found = session.connection().execute(_SERVED, {"workspace_id": workspace_id, "index_id": index_id})
    for document_id, tags, attributes, said, ready, is_pending, version_id, segment_id, first_row, row_count in found:
        access = parsed.words(said)
        if is_pending or (ready is not None and ready != version_id) or segment_id in damaged:
            unserved.append(access)
        if version_id is None or segment_id in damaged:
            continue
        folder = folders.get(segment_id)
        if folder is None:
            folder = folders[segment_id] = segment_folder(data_folder, index_id, segment_id)
        places.append(RowPlace(document_id, folder, first_row, row_count))
        documents.append(
            ServedDocument(
                id=document_id, version_id=version_id, tags=parsed.words(tags) or (),
                metadata=parsed.values(attributes), access=access,
            )
        )  # fmt: skip
    return view_of_places(documents, places, unserved, damaged)


_SERVED = (
    select(
        Document.id, type_coerce(Document.tags, String), type_coerce(Document.attributes, String),
        type_coerce(Document.access, String), Document.ready_version_id,
        Version.state.in_(("queued", "processing")), Served.version_id, Served.segment_id, Served.first_row,
        Served.row_count,
    )
    .join(Version, Version.id == Document.latest_version_id)
    .outerjoin(Served, and_(Served.document_id == Document.id, Served.index_id == bindparam("index_id")))
    .where(Document.workspace_id == bindparam("workspace_id"), Document.deleted_at.is_(None))
)  # fmt: skip
"""JSON comes as the driver has it: it is read once for all documents that say the same."""


class _Parsed:
    """Reads JSON columns that come as text (SQLite) or read already (PostgreSQL); equal texts once."""

    def __init__(self) -> None:
        self._words: dict[str, tuple[str, ...]] = {}
        self._values: dict[str, dict[str, Any]] = {}

    def words(self, said: Any) -> tuple[str, ...] | None:
        """Return a list of names, None for NULL."""
        if said is None:
            return None
        if not isinstance(said, str):
            return tuple(said)
        words = self._words.get(said)
        if words is None:
            words = self._words[said] = tuple(json.loads(said))
        return words

    def values(self, said: Any) -> dict[str, Any]:
        """Return an object; whoever gets it does not change it."""
        if not isinstance(said, str):
            return dict(said)
        values = self._values.get(said)
        if values is None:
            values = self._values[said] = json.loads(said)
        return values


def _segment_view(folder: Path, places: list[tuple[int, int, int]]) -> SegmentView:
    table = open_rows(folder)
    documents = np.full(len(table), -1, dtype=np.int32)
    for number, first_row, row_count in places:
        documents[first_row : first_row + row_count] = number
    return SegmentView(folder=folder, table=table, documents=documents)


class _Loading:
    """That somebody reads a view."""

    def __init__(self) -> None:
        self.lock = threading.Lock()


class Views:
    """The views in use, newest generation only; safe to share between threads.

    Of all who need a new generation at once, one reads it and the others wait.
    """

    def __init__(self, data_folder: Path) -> None:
        self._data_folder = data_folder
        self._lock = threading.Lock()
        self._views: OrderedDict[str, tuple[int, IndexView]] = OrderedDict()
        self._loading: WeakValueDictionary[str, _Loading] = WeakValueDictionary()

    def get(self, session: Session, workspace_id: str, generation: int, index_id: str) -> IndexView:
        """Return the index as of `generation`, which the caller read in the same unit of work, or as it is since."""
        view = self._known(index_id, generation)
        if view is not None:
            return view
        with self._lock:
            loading = self._loading.setdefault(index_id, _Loading())
        with loading.lock:
            view = self._known(index_id, generation)
            if view is not None:
                return view
            view = load_view(session, self._data_folder, workspace_id, index_id)
            with self._lock:
                self._views[index_id] = generation, view
                while len(self._views) > VIEWS_KEPT:
                    self._views.popitem(last=False)
        return view

    def _known(self, index_id: str, generation: int) -> IndexView | None:
        with self._lock:
            known = self._views.get(index_id)
            if known is None or known[0] < generation:
                return None
            self._views.move_to_end(index_id)
            return known[1]

    def doubt(self, index_id: str) -> None:
        """Let the next view of the index be read anew, and the files of its segments with it."""
        with self._lock:
            known = self._views.pop(index_id, None)
        if known is not None:
            doubt([segment.folder for segment in known[1].segments])

    def forget(self) -> None:
        """Let go of every view, with what it knows of documents that are gone."""
        with self._lock:
            self._views.clear()
