"""A folder's files and what its manifest says of them; errors name file and line, and change nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from app.folder_import import import_folder
from app.installation import Installation
from configs.errors import InvalidInputError
from configs.settings import Settings
from indexes.database.tables import Document, Workspace

YAML = """# what the files are
- path: terms.md
  title: Terms of sale
  tags: [terms, 2026-01-01]
  metadata: {year: 2026, old: false}
  access: ["group:finance"]
- path: notes/plain.txt
  external_id: plain
"""
ROWS = [
    {"path": "terms.md", "title": "Terms of sale", "tags": ["terms", "2026-01-01"],
     "metadata": {"year": 2026, "old": False}, "access": ["group:finance"]},
    {"path": "notes/plain.txt", "external_id": "plain"},
]  # fmt: skip
LINES = "\n".join(["", *map(json.dumps, ROWS)])


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    """Yield an installation whose jobs nobody does."""
    opened = Installation(Settings(data_folder=tmp_path / "data", demo=False), runs_jobs=False)
    yield opened
    opened.database.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder of files."""
    path = tmp_path / "files"
    (path / "notes").mkdir(parents=True)
    (path / "terms.md").write_text("# Terms\n\nRefunds take 14 days.")
    (path / "notes" / "plain.txt").write_text("Plain notes.")
    (path / "other.txt").write_text("Another file.")
    (path / "empty.txt").write_text(" \n")
    (path / "picture.xyz").write_bytes(b"\x00")
    (path / ".hidden.txt").write_text("Hidden.")
    return path


def documents(installation: Installation) -> dict[str, Document]:
    """Return the documents of the workspace `w` by external id."""
    with installation.database.read() as session:
        found = session.scalars(select(Document).where(Document.workspace_id == "w")).all()
        session.expunge_all()
    return {document.external_id: document for document in found}


def test_without_a_manifest_files_go_by_their_paths(installation: Installation, folder: Path) -> None:
    imported = import_folder(installation, folder, "w", "model_free")
    assert set(documents(installation)) == {"terms.md", "notes/plain.txt", "other.txt"}
    assert [line for line in imported.lines if line.startswith("left out: ")] == [
        "left out: empty.txt (empty)",
        next(line for line in imported.lines if "picture.xyz" in line),
    ]


@pytest.mark.parametrize(("name", "content"), [("playground.yaml", YAML), ("playground.jsonl", LINES)])
def test_what_the_manifest_says_is_honoured(installation: Installation, folder: Path, name: str, content: str) -> None:
    (folder / name).write_text(content)
    import_folder(installation, folder, "w", "model_free")
    found = documents(installation)
    assert set(found) == {"terms.md", "plain", "other.txt"}
    terms = found["terms.md"]
    assert (terms.title, terms.tags, terms.access) == ("Terms of sale", ["terms", "2026-01-01"], ["group:finance"])
    assert terms.attributes == {"year": 2026, "old": False}
    assert (found["plain"].title, found["plain"].access) == ("notes/plain.txt", None)
    again = import_folder(installation, folder, "w", "model_free")
    assert again.job_id is None


BAD = {
    "unknown_field": ("- path: terms.md\n  titel: x\n", 1, "titel"),
    "no_path": ("- path: terms.md\n- title: x\n", 2, "path"),
    "no_file": ("- path: terms.md\n\n- path: nosuch.md\n", 3, "nosuch.md"),
    "outside": ("- path: ../data\n", 1, "../data"),
    "absolute": ("- path: /etc/passwd\n", 1, "/etc/passwd"),
    "spelled_otherwise": ("- path: ./terms.md\n", 1, "./terms.md"),
    "twice": ("- path: terms.md\n- path: terms.md\n", 2, "line 1"),
    "same_id": ("- path: terms.md\n- path: other.txt\n  external_id: terms.md\n", 2, "terms.md"),
    "no_parser": ("- path: picture.xyz\n", 1, "xyz"),
    "empty": ("- path: terms.md\n- path: empty.txt\n", 2, "empty"),
    "repeated_key": ("- path: terms.md\n  title: a\n  title: b\n", 3, "title"),
    "alias": ("- &a {path: terms.md}\n- *a\n", 2, "alias"),
    "no_yaml": ("- path: [\n", 2, "YAML"),
    "no_list": ("path: terms.md\n", 1, "list"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_wrong_line_is_named_and_nothing_is_imported(installation: Installation, folder: Path, case: str) -> None:
    content, line, named = BAD[case]
    (folder / "playground.yaml").write_text(content)
    with pytest.raises(InvalidInputError) as caught:
        import_folder(installation, folder, "w", "model_free")
    assert caught.value.detail.startswith(f"playground.yaml, line {line}: ")
    assert named in caught.value.detail
    assert (caught.value.extra["file"], caught.value.extra["line"]) == ("playground.yaml", line)
    with installation.database.read() as session:
        assert session.get(Workspace, "w") is None


@pytest.mark.parametrize(
    ("text", "line"), [('{"path": "terms.md"}\n{"path": }', 2), ('{"path": "terms.md", "metadata": {"a": NaN}}', 1)]
)
def test_a_wrong_line_of_json_is_named(installation: Installation, folder: Path, text: str, line: int) -> None:
    (folder / "playground.jsonl").write_text(text)
    with pytest.raises(InvalidInputError, match=rf"^playground\.jsonl, line {line}: "):
        import_folder(installation, folder, "w", "model_free")


def test_two_manifests_are_refused(installation: Installation, folder: Path) -> None:
    (folder / "playground.yaml").write_text(YAML)
    (folder / "playground.jsonl").write_text(LINES)
    with pytest.raises(InvalidInputError, match=r"playground\.jsonl describes the folder, too"):
        import_folder(installation, folder, "w", "model_free")


def test_a_folder_that_is_none_is_named(installation: Installation, tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError) as caught:
        import_folder(installation, tmp_path / "nosuch", "w", "model_free")
    assert caught.value.code == "folder_not_found"


def test_links_out_of_the_folder_are_left_out(installation: Installation, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "secret.txt").write_text("A secret of the machine.")
    (folder / "link.txt").symlink_to(tmp_path / "secrets" / "secret.txt")
    (folder / "linked").symlink_to(tmp_path / "secrets", target_is_directory=True)
    (folder / "inside.txt").symlink_to(folder / "other.txt")
    imported = import_folder(installation, folder, "w", "lexical")
    assert "left out: link.txt (a link to a file outside of the folder)" in imported.lines
    assert set(documents(installation)) == {"terms.md", "notes/plain.txt", "other.txt", "inside.txt"}


def test_a_manifest_that_describes_a_link_out_of_the_folder_is_refused(
    installation: Installation, folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "secret.txt").write_text("A secret of the machine.")
    (folder / "link.txt").symlink_to(tmp_path / "secret.txt")
    (folder / "playground.yaml").write_text("- path: link.txt\n")
    with pytest.raises(InvalidInputError, match="outside of the folder"):
        import_folder(installation, folder, "w", "lexical")
    assert documents(installation) == {}
