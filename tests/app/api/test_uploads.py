"""Sending documents: what is new, what is a new version, what changes nothing; and that nothing sent is lost."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from starlette.testclient import TestClient

from tests.app.api.playground import Workspace, expect, expect_problem
from tests.ingest.parsers.office_files import docx, epub, heading, mail, paragraph, pptx, xlsx
from tests.ingest.parsers.pdf_files import pdf_of

TABLE = "city,inhabitants\nBerlin,3850809\nBremen,569352\n"


def test_what_is_said_of_a_document_is_kept(workspace: Workspace) -> None:
    said = {
        "external_id": "a/b c",
        "title": "Ein Titel",
        "tags": ["x", "ü"],
        "metadata": {"year": 2024, "deep": {"er": [1, None, True, "ß"]}},
        "access": ["group:finance"],
    }
    (accepted,) = workspace.send({"text": "Some words.", "media_type": "text/markdown", **said})
    assert (accepted["status"], accepted["external_id"]) == ("created", "a/b c")
    shown = workspace.get(f"/documents/{accepted['document_id']}")
    assert {name: shown[name] for name in said} == said
    assert (shown["state"], shown["error"], shown["version"], shown["answering_version"]) == ("ready", None, 1, 1)
    assert (shown["characters"], shown["size_bytes"], shown["media_type"]) == (11, 11, "text/markdown")


def test_what_is_left_out_has_defaults(workspace: Workspace) -> None:
    (accepted,) = workspace.send({"text": "Some words."})
    shown = workspace.get(f"/documents/{accepted['document_id']}")
    assert shown["external_id"].startswith("sha256:")
    assert (shown["tags"], shown["metadata"], shown["access"]) == ([], {}, None)
    assert shown["title"] == shown["external_id"]


def test_the_same_bytes_change_nothing(workspace: Workspace) -> None:
    (first,) = workspace.send({"text": "Some words.", "external_id": "a", "tags": ["x"]})
    before = workspace.state()
    again = workspace.post("/documents", {"documents": [{"text": "Some words.", "external_id": "a"}]}, 200)
    assert again == {"documents": [{**first, "status": "unchanged"}], "job": None}
    assert workspace.state() == before


def test_the_same_bytes_may_say_something_new_of_themselves(workspace: Workspace) -> None:
    (first,) = workspace.send({"text": "Some words.", "external_id": "a", "tags": ["x"], "metadata": {"n": 1}})
    again = {"text": "Some words.", "external_id": "a", "tags": ["y"], "title": "New"}
    assert workspace.post("/documents", {"documents": [again]}, 200)["job"] is None
    shown = workspace.get(f"/documents/{first['document_id']}")
    assert (shown["tags"], shown["title"], shown["metadata"], shown["version"]) == (["y"], "New", {"n": 1}, 1)
    assert workspace.found("words", filter={"all": [{"tags": ["y"]}]}) == ["a"]


def test_other_bytes_make_a_new_version(workspace: Workspace) -> None:
    (first,) = workspace.send({"text": "old words", "external_id": "a", "tags": ["x"]})
    (second,) = workspace.send({"text": "new words", "external_id": "a"})
    assert (second["status"], second["document_id"]) == ("new_version", first["document_id"])
    assert second["version_id"] != first["version_id"]
    shown = workspace.get(f"/documents/{first['document_id']}")
    assert (shown["version"], shown["answering_version"], shown["tags"]) == (2, 2, ["x"])
    found = workspace.post("/searches", {"query": "words"})["passages"]
    assert [(one["version_id"], one["text"]) for one in found] == [(second["version_id"], "new words")]
    old = workspace.get(f"/documents/{first['document_id']}/text", version_id=first["version_id"])
    assert (old["text"], old["version"]) == ("old words", 1)


def test_one_request_may_hold_new_changed_and_unchanged_documents(workspace: Workspace) -> None:
    workspace.send({"text": "one", "external_id": "a"}, {"text": "two", "external_id": "b"})
    mixed = workspace.send(
        {"text": "one", "external_id": "a"}, {"text": "deux", "external_id": "b"}, {"text": "three", "external_id": "c"}
    )
    assert [one["status"] for one in mixed] == ["unchanged", "new_version", "created"]
    assert workspace.get()["documents"] == {"ready": 3}


def test_files_of_every_kind_are_read(workspace: Workspace) -> None:
    files = {
        "notes.txt": b"plain zebra",
        "sub/page.md": b"# Title\n\nmarked zebra",
        "page.html": b"<html><title>Web</title><body><h1>Head</h1><p>web zebra</p></body></html>",
        "report.pdf": pdf_of(["page one", "page two zebra"]),
        "one.json": json.dumps({"text": "json zebra"}).encode(),
        "many.jsonl": b'{"text": "line zebra"}\n{"text": "other line"}\n',
        "table.csv": b"animal,legs\nhen,2\nzebra,4\n",
        "stripes.py": b"# stripes\n\ndef zebra() -> int:\n    return 80\n",
        "letter.docx": docx(heading("Animals"), paragraph("office zebra")),
        "talk.pptx": pptx([("Hens", ["two legs"]), ("Zebras", ["a zebra on a slide"])]),
        "herd.xlsx": xlsx({"Animals": [["name", "legs"], ["zebra", "4"]]}),
        "book.epub": epub([("Animals", "printed zebra")]),
        "post.eml": mail("A zebra", "sent zebra"),
    }
    accepted = workspace.upload(*((name, source, "") for name, source in files.items()))
    assert [one["external_id"] for one in accepted["documents"]] == list(files)
    assert workspace.get()["documents"] == {"ready": len(files)}
    found = workspace.post("/searches", {"query": "zebra", "k": 50})["passages"]
    assert {one["external_id"] for one in found if "zebra" in one["text"]} == set(files)
    assert {one["page"] for one in found if one["external_id"] == "report.pdf" and "zebra" in one["text"]} == {"1"}
    assert {one["heading_path"][0] for one in found if one["external_id"] == "sub/page.md"} == {"Title"}
    at = {one["external_id"]: one for one in found if "zebra" in one["text"]}
    assert at["letter.docx"]["heading_path"] == at["book.epub"]["heading_path"] == ["Animals"]
    assert (at["talk.pptx"]["page"], at["talk.pptx"]["row"], at["stripes.py"]["line"]) == ("1", "", "1")
    assert at["herd.xlsx"]["row"] == "1"


def test_a_context_names_row_and_line_and_is_rebuilt_with_them(workspace: Workspace) -> None:
    workspace.upload(
        ("table.csv", b"animal,legs\n" + b"hen,2\n" * 200 + b"zebra,4\n", ""),
        ("stripes.py", b"# padding that fills lines\n" * 200 + b"def zebra() -> int:\n    return 80\n", ""),
    )
    made = workspace.post("/contexts", {"question": "zebra"}, 201)
    sent = made["text"] or "".join(message["content"] for message in made["messages"])
    at = {name: max(int(one[name] or 0) for one in made["citations"]) for name in ("row", "line")}
    assert 150 < at["row"] <= 201
    assert 150 < at["line"] <= 201
    assert f'row="{at["row"]}"' in sent
    assert f'line="{at["line"]}"' in sent
    again = workspace.get(f"/contexts/{made['id']}")
    assert (again["text"], again["messages"]) == (made["text"], made["messages"])
    assert again["citations"] == made["citations"]


def test_files_share_what_the_form_says_of_them(workspace: Workspace) -> None:
    said = {"tags": ["handbook"], "metadata": {"year": 2026}, "access": ["group:a"]}
    accepted = workspace.upload(("a.txt", b"one", ""), ("b.txt", b"two", ""), description=json.dumps(said))
    for one in accepted["documents"]:
        shown = workspace.get(f"/documents/{one['document_id']}")
        assert {name: shown[name] for name in said} == said


def test_the_same_file_again_changes_nothing(workspace: Workspace) -> None:
    workspace.upload(("a.txt", b"one", ""))
    before = workspace.state()
    again = workspace.upload(("a.txt", b"one", ""), status=200)
    assert (again["job"], again["documents"][0]["status"]) == (None, "unchanged")
    assert workspace.state() == before


def test_a_title_comes_from_the_file_unless_it_was_changed(workspace: Workspace) -> None:
    (one,) = workspace.upload(("a.md", b"# First\n\ntext", ""))["documents"]
    assert workspace.get(f"/documents/{one['document_id']}")["title"] == "First"
    expect(200, workspace.request("PATCH", f"/documents/{one['document_id']}", json={"title": "Mine"}))
    workspace.upload(("a.md", b"# Second\n\ntext", ""))
    assert workspace.get(f"/documents/{one['document_id']}")["title"] == "Mine"


def test_a_failed_document_is_told_apart_and_can_be_sent_again(workspace: Workspace) -> None:
    accepted = workspace.upload(("good.txt", b"good words", ""), ("bad.pdf", b"%PDF-1.4 cut off", ""))
    good, bad = accepted["documents"]
    assert workspace.wait(accepted["job"]["id"])["state"] == "succeeded"
    assert workspace.get()["documents"] == {"ready": 1, "failed": 1}
    shown = workspace.get(f"/documents/{bad['document_id']}")
    assert (shown["state"], shown["answering_version"], shown["error"]["code"]) == ("failed", None, "damaged_file")
    assert workspace.found("words") == ["good.txt"]
    (again,) = workspace.upload(("bad.pdf", b"%PDF-1.4 cut off", ""))["documents"]
    assert (again["status"], again["version_id"]) == ("retried", bad["version_id"])
    (mended,) = workspace.upload(("bad.pdf", pdf_of(["whole words"]), ""))["documents"]
    assert (mended["status"], mended["document_id"]) == ("new_version", bad["document_id"])
    assert set(workspace.found("words")) == {"good.txt", "bad.pdf"}
    assert good["document_id"] != bad["document_id"]


def test_a_version_that_fails_leaves_the_old_one_answering(workspace: Workspace) -> None:
    (first,) = workspace.upload(("a.pdf", pdf_of(["old words"]), ""))["documents"]
    workspace.upload(("a.pdf", b"%PDF-1.4 cut off", ""))
    shown = workspace.get(f"/documents/{first['document_id']}")
    assert (shown["state"], shown["version"], shown["answering_version"]) == ("failed", 2, 1)
    assert workspace.found("words") == ["a.pdf"]
    assert workspace.post("/searches", {"query": "words", "require_fresh": True})["missing_documents"] == 0


def test_a_failed_document_can_be_retried(workspace: Workspace) -> None:
    (bad,) = workspace.upload(("bad.pdf", b"%PDF-1.4 cut off", ""))["documents"]
    job = workspace.post(f"/documents/{bad['document_id']}/retry", None, 202)
    assert workspace.wait(job["id"])["state"] == "succeeded"
    shown = workspace.get(f"/documents/{bad['document_id']}")
    assert (shown["state"], shown["job_id"], shown["version"]) == ("failed", job["id"], 1)


def test_retrying_what_did_not_fail_does_nothing(workspace: Workspace) -> None:
    (good,) = workspace.send({"text": "good"})
    before = workspace.state()
    assert workspace.post(f"/documents/{good['document_id']}/retry", None, 202) is None
    assert workspace.state() == before


@pytest.mark.parametrize("kind", ["json", "files"])
def test_too_many_documents_in_one_request(
    workspace: Workspace, other_service: Callable[..., TestClient], kind: str
) -> None:
    client = other_service(max_documents_per_request=2)
    before = workspace.state()
    if kind == "json":
        body = {"documents": [{"text": str(number)} for number in range(3)]}
        response = client.post(workspace.path("/documents"), json=body)
    else:
        files = [("files", (f"{number}.txt", b"x", "")) for number in range(3)]
        response = client.post(workspace.path("/documents/files"), files=files)
    assert "3 documents" in expect_problem(response, 413, "too_many_documents")["detail"]
    assert workspace.state() == before


def test_a_table_is_cut_between_its_rows(workspace: Workspace) -> None:
    (accepted,) = workspace.send({"text": TABLE, "media_type": "text/csv", "external_id": "cities"})
    text = workspace.get(f"/documents/{accepted['document_id']}/text")["text"]
    assert "Berlin" in text
    assert workspace.found("Bremen") == ["cities"]


CODE = "# padding that fills lines\n" * 200 + "def zebra() -> int:\n    return 80\n"


def test_source_code_sent_as_text_is_what_the_file_would_be(workspace: Workspace) -> None:
    (sent,) = workspace.send({"text": CODE, "file_name": "app/stripes.py"})
    assert sent["external_id"] == "app/stripes.py"
    again = workspace.upload(("app/stripes.py", CODE.encode(), ""), status=200)
    assert again["documents"] == [{**sent, "status": "unchanged"}]
    (other,) = workspace.upload(("app/other.py", CODE.encode(), ""))["documents"]
    first, second = (workspace.get(f"/documents/{one['document_id']}") for one in (sent, other))
    assert {name for name, value in first.items() if value != second[name]} == {
        "id", "external_id", "file_name", "title", "version_id", "job_id", "created_at", "updated_at",
    }  # fmt: skip
    assert (first["file_name"], first["media_type"]) == ("app/stripes.py", "text/x-source-code")


def test_a_citation_of_sent_source_code_names_file_and_line(workspace: Workspace) -> None:
    workspace.send({"text": CODE, "file_name": "app/stripes.py"}, {"text": "A hen.", "external_id": "hen"})
    found = workspace.post("/searches", {"query": "zebra", "k": 1})["passages"]
    assert (found[0]["external_id"], found[0]["row"]) == ("app/stripes.py", "")
    made = workspace.post("/contexts", {"question": "zebra"}, 201)
    sent = made["text"] or "".join(message["content"] for message in made["messages"])
    at = max(int(one["line"] or 0) for one in made["citations"])
    assert 150 < at <= 201
    assert f'line="{at}"' in sent
    assert "stripes.py" in sent


def test_sent_source_code_is_cut_in_its_language(workspace: Workspace) -> None:
    methods = "".join(f"    def method_{number}(self):\n        return 'needle {number}'\n\n" for number in range(30))
    text = "class Étendue(Base):\n" + methods
    workspace.send({"text": text, "file_name": "shapes.py"})
    workspace.send({"text": text.replace("needle", "thread"), "external_id": "no code"})
    setup = {"chunker": {"kind": "code", "size_tokens": 80}, "stores": [{"kind": "bm25"}], "candidates": 50}
    workspace.build(setup=setup)
    leads = {
        word: workspace.post("/searches", {"query": f"{word} 17", "setup": setup, "k": 1})["passages"][0]["lead"]
        for word in ("needle", "thread")
    }
    assert leads == {"needle": "class Étendue(Base):\n", "thread": ""}


@pytest.mark.parametrize(
    ("said", "status", "code"),
    [
        ({"file_name": "a.unknown"}, 415, "unsupported_media_type"),
        ({"file_name": "Makefile"}, 415, "unsupported_media_type"),
        ({"file_name": "a.pdf"}, 415, "unsupported_media_type"),
        ({"file_name": "a.docx"}, 415, "unsupported_media_type"),
        ({"file_name": "../a.py"}, 422, "invalid_file_name"),
        ({"file_name": "/etc/a.py"}, 422, "invalid_file_name"),
        ({"file_name": ""}, 422, "invalid_request"),
        ({"file_name": "a.py", "media_type": "text/plain"}, 422, "invalid_request"),
    ],
    ids=str,
)
def test_a_file_name_that_says_nothing_is_refused(
    workspace: Workspace, said: dict[str, str], status: int, code: str
) -> None:
    before = workspace.state()
    body = {"documents": [{"text": "fine"}, {"text": "x = 1\n", **said}]}
    problem = expect_problem(workspace.request("POST", "/documents", json=body), status, code)
    assert code == "invalid_request" or problem["detail"].startswith("documents.1: ")
    assert workspace.state() == before


def test_the_extension_decides_how_a_sent_text_is_read(workspace: Workspace) -> None:
    (page, table) = workspace.send(
        {"text": "# Head\n\nwords", "file_name": "page.md"},
        {"text": TABLE, "file_name": "cities.csv", "external_id": "cities"},
    )
    assert (page["external_id"], table["external_id"]) == ("page.md", "cities")
    shown = [workspace.get(f"/documents/{one['document_id']}") for one in (page, table)]
    assert [one["media_type"] for one in shown] == ["text/markdown", "text/csv"]
    assert shown[0]["title"] == "Head"
