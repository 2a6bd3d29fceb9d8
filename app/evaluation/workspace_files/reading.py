"""From an archive to what can be accepted: everything in it is looked at before anything takes effect."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from app.context.strategy_files import NamedStrategy, read_strategy
from app.evaluation.question_files.reading import SourceFile
from app.evaluation.workspace_files.archive import Archive
from app.evaluation.workspace_files.entries import (
    DOCUMENTS,
    DocumentEntry,
    question_set_of,
    strategy_of,
)
from app.evaluation.workspace_files.sealed_questions import SealedQuestionSet, external_ids_of, seal
from configs.errors import InvalidInputError, PlaygroundError
from configs.strict_json import strict_json
from configs.text import storable
from ingest.document import ParsedDocument
from ingest.parsers import parser_for
from ingest.uploads import Upload, check_text_length

INVALID = "archive_invalid"


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkspaceContent:
    """What an archive holds, checked; documents with the line that says it of them."""

    documents: Sequence[tuple[int, DocumentEntry]]
    strategies: Sequence[NamedStrategy]
    question_sets: Sequence[SealedQuestionSet]


def read_content(archive: Archive, limit_characters: int) -> WorkspaceContent:
    """Return what the archive holds, having read every byte of it.

    Raises InvalidInputError: `archive_invalid` with file and line, what `Archive.read`, `read_strategy` and the parsers
    of file names raise; TooLargeError `text_too_long`.
    """
    documents = list(_rows(SourceFile(name=DOCUMENTS, content=archive.read(DOCUMENTS), code=INVALID)))
    external_ids = {entry.external_id for _, entry in documents}
    strategies: list[NamedStrategy] = []
    sets: list[SealedQuestionSet] = []
    used = {DOCUMENTS, *(entry.entry for _, entry in documents)}
    if len(documents) != archive.manifest.documents:
        raise _invalid(f"{DOCUMENTS} has {len(documents)} documents, the manifest says {archive.manifest.documents}")
    for name in sorted(archive.manifest.entries.keys() - used):
        content = archive.read(name)
        if (strategy := strategy_of(name)) is not None:
            strategies.append(_named(read_strategy(content, name), strategy, name))
        elif (question_set := question_set_of(name)) is not None:
            sets.append(seal(question_set, SourceFile(name=name, content=content, code=INVALID)))
            for external_id in sorted(external_ids_of(sets[-1]) - external_ids)[:1]:
                raise _invalid(f"{name} marks the document {external_id[:100]!r}, which the archive does not hold")
        else:
            raise _invalid(f"nothing says what {name[:100]!r} is")
    for line, entry in documents:
        upload_of(archive, line, entry, limit_characters)
    return WorkspaceContent(documents=documents, strategies=strategies, question_sets=sets)


def upload_of(archive: Archive, line: int, entry: DocumentEntry, limit_characters: int) -> Upload:
    """Return the document with its bytes; raises as `read_content` does."""
    content = archive.read(entry.entry)
    try:
        parsed = _parsed(entry, content, limit_characters) if entry.content == "text" else None
        if parsed is None:
            parser_for(entry.file_name, entry.media_type)
    except PlaygroundError as error:
        error.detail = f"{DOCUMENTS}, line {line}: {error.detail}"
        raise
    except ValueError as error:
        raise _invalid(f"{DOCUMENTS}, line {line}: {error}") from None
    return Upload(
        external_id=entry.external_id, source=content, file_name=entry.file_name, media_type=entry.media_type,
        title=entry.title, tags=entry.tags, metadata=entry.metadata, access=entry.access, parsed=parsed,
    )  # fmt: skip


def _parsed(entry: DocumentEntry, content: bytes, limit_characters: int) -> ParsedDocument:
    text = storable(content.decode())
    parsed = ParsedDocument.from_structure(text, "", entry.blocks_of(text))
    check_text_length(parsed, limit_characters)
    return parsed


def _rows(file: SourceFile) -> Iterator[tuple[int, DocumentEntry]]:
    entries: set[str] = set()
    external_ids: set[str] = set()
    for line, text in file.lines():
        try:
            value = strict_json(text, f"{DOCUMENTS}, line {line}")
        except PlaygroundError as error:
            raise file.error(line, error.detail.removeprefix(f"{DOCUMENTS}, line {line}: ")) from None
        row = file.validated(DocumentEntry, value, line)
        if row.entry in entries or row.external_id in external_ids:
            raise file.error(line, f"the document {row.external_id[:100]!r} or its entry stands there twice")
        entries.add(row.entry)
        external_ids.add(row.external_id)
        yield line, row


def _named(read: NamedStrategy, expected: str, entry: str) -> NamedStrategy:
    if read.name != expected:
        raise _invalid(f"{entry} calls its strategy {read.name!r}")
    return read


def _invalid(detail: str) -> InvalidInputError:
    return InvalidInputError(
        detail, hint="nothing was imported; send an archive as GET …/export writes it", code=INVALID
    )
