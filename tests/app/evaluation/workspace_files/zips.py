"""Archives by hand, whole and spoilt."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from typing import Any

from app.evaluation.workspace_files.entries import DOCUMENTS, MANIFEST

LINE: dict[str, Any] = {
    "entry": "documents/000001", "external_id": "a", "title": "A", "tags": [], "metadata": {}, "access": None,
    "file_name": "", "media_type": "text/plain", "content": "text", "structure": [],
}  # fmt: skip


def lines(*rows: Mapping[str, Any]) -> bytes:
    """Return rows as JSON lines."""
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def contents(**more: bytes) -> dict[str, bytes]:
    """Return the entries of a small archive: one document, `a`, that says `hello world`."""
    return {DOCUMENTS: lines(LINE), "documents/000001": b"hello world", **more}


def manifest_of(entries: Mapping[str, bytes], changes: Mapping[str, Any] | None = None) -> bytes:
    """Return the manifest that fits the entries."""
    said = {
        "format": "context-playground workspace", "version": 1, "release": "1.0.0",
        "created_at": "2026-01-01T00:00:00Z", "workspace": "Test", "default_strategy": None,
        "documents": entries.get(DOCUMENTS, b"").count(b"\n"), "left_out": [],
        "entries": {
            name: {"sha256": hashlib.sha256(content).hexdigest(), "size_bytes": len(content)}
            for name, content in entries.items()
        },
    }  # fmt: skip
    return json.dumps({**said, **(changes or {})}).encode()


def zipped(*entries: tuple[str | zipfile.ZipInfo, bytes]) -> bytes:
    """Return a zip file with the entries in order, whatever they are called."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries:
            archive.writestr(name, content, zipfile.ZIP_DEFLATED)
    return stream.getvalue()


def archive(held: Mapping[str, bytes] | None = None, **changes: Any) -> bytes:
    """Return the zip file of the entries with its manifest."""
    chosen = contents() if held is None else held
    return zipped(*chosen.items(), (MANIFEST, manifest_of(chosen, changes)))


def unzipped(content: bytes) -> dict[str, bytes]:
    """Return the entries of a zip file by name."""
    with zipfile.ZipFile(io.BytesIO(content)) as opened:
        assert opened.testzip() is None
        return {name: opened.read(name) for name in opened.namelist()}
