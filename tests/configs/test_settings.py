"""Settings come from the environment, are documented, and are refused by name where they cannot work."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError
from sqlalchemy import make_url

from configs.errors import InvalidInputError
from configs.settings import Settings, unusable_setting


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"PLAYGROUND_{name.upper()}", raising=False)


def test_every_setting_has_a_sentence() -> None:
    said = {name: field.description or "" for name, field in Settings.model_fields.items()}
    assert [name for name, sentence in said.items() if not sentence.endswith(".") or len(sentence) < 20] == []


def test_they_come_from_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PLAYGROUND_DATA_FOLDER", str(tmp_path))
    monkeypatch.setenv("PLAYGROUND_JOB_THREADS", "7")
    monkeypatch.setenv("PLAYGROUND_UNHEARD_OF", "refused at start, by check_names")
    settings = Settings()
    assert (settings.data_folder, settings.job_threads) == (tmp_path, 7)


@pytest.mark.parametrize(
    ("name", "value"),
    [("PORT", "65536"), ("JOB_THREADS", "0"), ("MAX_UPLOAD_BYTES", "1"), ("LOG_LEVEL", "loud"), ("DEMO", "perhaps")],
)
def test_a_value_out_of_range_is_refused(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"PLAYGROUND_{name}", value)
    with pytest.raises(ValidationError, match=name.lower()):
        Settings()


def test_they_do_not_change() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Settings().port = 1  # type: ignore[misc]  # that is the point


def test_the_key_is_not_shown() -> None:
    settings = Settings.model_validate({"api_key": "correct-horse"})
    assert "correct-horse" not in f"{settings!r} {settings.model_dump_json()}"


@pytest.mark.parametrize("name", ["data", "a b", "what?", "50%25", "#1", "ü"])
def test_any_folder_can_hold_the_database(tmp_path: Path, name: str) -> None:
    url = make_url(Settings(data_folder=tmp_path / name).sqlalchemy_url)
    assert url.database == str(tmp_path.resolve() / name / "playground.sqlite")
    assert url.get_backend_name() == "sqlite"


def test_a_database_url_wins() -> None:
    url = "postgresql+psycopg://team@db/playground"
    assert Settings(database_url=url).sqlalchemy_url == url


@pytest.mark.parametrize(
    ("host", "is_loopback"),
    [
        ("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("localhost", True),
        ("0.0.0.0", False), ("::", False), ("192.168.1.2", False), ("example.org", False), ("", False),
    ],
)  # fmt: skip
def test_a_host_is_loopback_or_not(host: str, is_loopback: bool) -> None:
    assert Settings(host=host).is_loopback is is_loopback


@pytest.mark.parametrize("origins", ["*", "https://*.example", "example.org", "https://a,b", "https://a/path"])
def test_only_whole_origins_are_allowed(origins: str) -> None:
    with pytest.raises(ValidationError):
        Settings(allowed_origins=origins)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("api_key", "ends with a blank "),
        ("api_key", "schlüssel"),
        ("api_key", "two\nlines"),
        ("database_url", "mysql://a@b/c"),
        ("database_url", "postgresql://u:hunter2@host:notaport/db"),
        ("database_url", "postgresql:hunter2"),
        ("root_path", "api"),
        ("root_path", "/api/"),
        ("model_folder", "/no/such/folder"),
    ],
)
def test_an_unusable_setting_is_named_before_anything_starts(name: str, value: str) -> None:
    with pytest.raises(InvalidInputError, match=f"PLAYGROUND_{name.upper()} ") as raised:
        Settings.model_validate({name: value}).check_usable()
    assert (raised.value.code, bool(raised.value.hint)) == ("unusable_setting", True)
    if name == "api_key" or "hunter2" in value:
        assert value not in f"{raised.value.detail} {raised.value.hint}"
        assert "hunter2" not in f"{raised.value.detail} {raised.value.hint}"


def test_usable_settings_pass(tmp_path: Path) -> None:
    for database_url in ("", "sqlite:///x", "postgresql://a@b/c", "postgresql+psycopg://a@b/c"):
        given = {"database_url": database_url, "api_key": "k-1_~", "root_path": "/a/b", "model_folder": tmp_path}
        Settings.model_validate(given).check_usable()


def test_a_refusal_names_every_wrong_setting_and_no_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLAYGROUND_PORT", "hunter2")
    monkeypatch.setenv("PLAYGROUND_LOG_FORMAT", "xml")
    with pytest.raises(ValidationError) as raised:
        Settings()
    error = unusable_setting(raised.value)
    assert error.code == "unusable_setting"
    assert all(name in error.detail and name in error.hint for name in ("PLAYGROUND_PORT", "PLAYGROUND_LOG_FORMAT"))
    assert "hunter2" not in f"{error.detail} {error.hint}"


def test_endpoints_are_listed_with_the_variables_of_their_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    listed = "https://api.openai.com/v1=OPENAI_API_KEY, http://127.0.0.1:8080/"
    settings = Settings.model_validate({"embedder_urls": listed})
    expected = {"https://api.openai.com/v1": "OPENAI_API_KEY", "http://127.0.0.1:8080": None}
    assert settings.embedder_endpoints == expected
    assert Settings().embedder_endpoints == {}
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(InvalidInputError, match="names OPENAI_API_KEY for https"):
        settings.check_usable()
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    settings.check_usable()
    assert "sk-secret" not in repr(settings)


@pytest.mark.parametrize(
    "listed",
    [
        "api.openai.com",
        "ftp://host/v1",
        "https://user:key@host/v1",
        "https://host/v1?key=1",
        "https://host/v1=",
        "https://host/v1=sk-secret",
        "https://host/v1 https://other/v1",
        ",",
    ],
)
def test_endpoints_of_another_form_are_refused(listed: str) -> None:
    with pytest.raises(ValidationError, match="embedder_urls"):
        Settings.model_validate({"embedder_urls": listed})


@pytest.mark.parametrize(
    ("host", "characters", "is_usable"),
    [
        ("127.0.0.1", 1, True), ("0.0.0.0", 23, False), ("0.0.0.0", 24, True), ("example.org", 8, False),
        ("0.0.0.0", 0, True),
    ],
)  # fmt: skip
def test_a_key_that_can_be_guessed_is_refused_where_others_may_try(host: str, characters: int, is_usable: bool) -> None:
    settings = Settings(host=host, api_key=SecretStr("k" * characters))
    if is_usable:
        settings.check_usable()  # without any key, app/exposure.py decides
        return
    with pytest.raises(InvalidInputError, match=f"PLAYGROUND_API_KEY has {characters} characters"):
        settings.check_usable()


@pytest.mark.parametrize(
    ("variable", "hint"),
    [
        ("PLAYGROUND_DATABASE_ULR", "did you mean PLAYGROUND_DATABASE_URL?"),
        ("playground_databse_url", "did you mean PLAYGROUND_DATABASE_URL?"),
        ("PLAYGROUND_MAX_UPLOAD", "did you mean PLAYGROUND_MAX_UPLOAD_BYTES?"),
        ("PLAYGROUND_ZZZ", "unset it"),
        ("PLAYGROUND_DATAS", ""),
    ],
)
def test_a_variable_that_is_no_setting_is_refused_by_name(variable: str, hint: str) -> None:
    with pytest.raises(InvalidInputError, match=f"{variable} is no setting") as raised:
        Settings().check_names(["HOME", variable])
    assert hint in raised.value.hint
    assert raised.value.code == "unknown_setting"


def test_settings_and_what_tests_examples_and_endpoints_use_are_known() -> None:
    known = [f"PLAYGROUND_{name.upper()}" for name in Settings.model_fields]
    others = [
        "PLAYGROUND_DATA",
        "PLAYGROUND_REPORT",
        "PLAYGROUND_URL",
        "PLAYGROUND_TEST_DATABASE",
        "PATH",
        "playground",
    ]
    settings = Settings(embedder_urls="https://host/v1=PLAYGROUND_KEY_OF_HOST")
    settings.check_names([*known, *others, "playground_port", "PLAYGROUND_KEY_OF_HOST"])
    with pytest.raises(InvalidInputError, match="PLAYGROUND_KEY_OF_HOST is no setting"):
        Settings().check_names(["PLAYGROUND_KEY_OF_HOST"])
