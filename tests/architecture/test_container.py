"""The image and the compose file: what is inside, who runs it, and who can reach it."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
import tomllib
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
import yaml

from app.exposure import check_exposure
from configs.errors import InvalidInputError
from configs.settings import Settings
from tests.architecture.source_tree import PACKAGES, ROOT

SERVICE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))["services"]["playground"]
TEAM: dict[str, Any] = yaml.safe_load((ROOT / "compose.team.yaml").read_text(encoding="utf-8"))
WHEEL: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["hatch"]["build"]


def instructions() -> list[tuple[str, str]]:
    """Return the Dockerfile's instructions in order, continuation lines joined, comments left out."""
    lines = [
        line for line in (ROOT / "Dockerfile").read_text(encoding="utf-8").splitlines() if line[:1] not in {"#", ""}
    ]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    return [(word, rest.strip()) for word, _, rest in (line.partition(" ") for line in joined.splitlines())]


def stages() -> list[list[tuple[str, str]]]:
    """Return the instructions of each build stage."""
    found: list[list[tuple[str, str]]] = []
    for word, rest in instructions():
        if word == "FROM":
            found.append([])
        found[-1].append((word, rest))
    return found


def final(word: str) -> list[str]:
    """Return what the last stage says after each `word`."""
    return [rest for name, rest in stages()[-1] if name == word]


def environment() -> dict[str, str]:
    """Return the variables of the last stage."""
    return dict(pair.split("=", 1) for line in final("ENV") for pair in shlex.split(line))


def copied_from_the_project() -> set[str]:
    """Return the files and folders that the builder takes."""
    return {
        source
        for word, rest in stages()[0]
        if word == "COPY"
        for source in rest.split()[:-1]
        if not source.startswith("--")
    }


def is_sent_to_the_engine(path: str) -> bool:
    """Apply `.dockerignore` to one path of the project: the last line that matches it or a folder above it decides."""
    sent = True
    for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines():
        pattern = line.removeprefix("!").removeprefix("**/")
        above = ["/".join(path.split("/")[: depth + 1]) for depth in range(path.count("/") + 1)]
        names = path.split("/") if "**/" in line else above
        if line and not line.startswith("#") and any(fnmatch_one_level(name, pattern) for name in names):
            sent = line.startswith("!")
    return sent


def fnmatch_one_level(name: str, pattern: str) -> bool:
    """Match as the engine does, where a star does not cross a slash."""
    return name.count("/") == pattern.count("/") and fnmatch(name, pattern)


def test_the_image_is_built_in_stages_from_one_pinned_python() -> None:
    bases = [rest.split()[0] for word, rest in instructions() if word == "FROM"]
    assert len(bases) >= 2
    assert len(set(bases)) == 1
    assert re.fullmatch(r"python:3\.11\.\d+-slim-\w+", bases[0])


def test_the_service_does_not_run_as_root() -> None:
    assert final("USER") == ["10001:10001"]


@pytest.mark.slow
def test_the_image_loads_the_model_as_the_user_who_will_run_it(tmp_path: Path) -> None:
    words = [word for word, _ in stages()[-1]]
    (check,) = [rest for word, rest in stages()[-1][words.index("USER") :] if word == "RUN"]
    program, flag, source = json.loads(check)
    assert (program, flag) == ("python", "-c")
    command = [sys.executable, flag, source]
    assert subprocess.run(command, cwd=ROOT, env={"HOME": str(tmp_path)}, check=False).returncode == 0
    assert list(tmp_path.iterdir()) == []


def test_the_index_of_torch_is_an_argument_that_is_empty_by_default() -> None:
    arguments = [rest for word, rest in stages()[0] if word == "ARG"]
    assert arguments == ['TORCH_INDEX_URL=""']
    installs = [rest for word, rest in stages()[0] if word == "RUN" and "-r requirements.txt" in rest]
    assert len(installs) == 1
    assert '${TORCH_INDEX_URL:+--extra-index-url "$TORCH_INDEX_URL"}' in installs[0]
    assert "-c constraints.txt" in installs[0]


def test_the_image_takes_every_package_of_the_wheel_and_nothing_that_is_not_sent() -> None:
    target = WHEEL["targets"]["wheel"]
    needed = {*target["packages"], *target["force-include"], "pyproject.toml", "README.md", "LICENSE", "NOTICE"}
    assert set(target["packages"]) == set(PACKAGES)
    assert needed <= copied_from_the_project()
    assert [path for path in copied_from_the_project() if not is_sent_to_the_engine(path)] == []


@pytest.mark.parametrize(
    ("path", "is_sent"),
    [
        ("app/main.py", True),
        ("docs/guide/searching.md", True),
        ("docs/settings.md", False),
        ("data/playground.sqlite", False),
        (".git/config", False),
        (".venv/bin/python", False),
        ("tests/conftest.py", False),
        ("app/__pycache__/main.pyc", False),
    ],
)
def test_only_what_is_needed_is_sent_to_the_engine(path: str, is_sent: bool) -> None:
    assert is_sent_to_the_engine(path) is is_sent


def test_the_image_sets_only_settings_that_exist() -> None:
    names = {f"PLAYGROUND_{name.upper()}" for name in Settings.model_fields}
    assert {name for name in environment() if name.startswith("PLAYGROUND_")} <= names


def test_the_image_listens_everywhere_and_therefore_demands_a_key(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name, value in environment().items():
        if name.startswith("PLAYGROUND_"):
            monkeypatch.setenv(name, value)
    monkeypatch.delenv("PLAYGROUND_API_KEY", raising=False)
    settings = Settings()
    assert not settings.is_loopback
    with pytest.raises(InvalidInputError, match="without an API key"):
        check_exposure(settings.model_copy(update={"data_folder": tmp_path}))


def test_data_lies_in_a_volume_that_the_compose_file_keeps() -> None:
    assert final("VOLUME") == [environment()["PLAYGROUND_DATA_FOLDER"]] == ["/data"]
    assert SERVICE["volumes"] == ["data:/data"]
    assert "data" in yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))["volumes"]


def test_the_health_check_asks_the_port_that_is_served() -> None:
    assert final("EXPOSE") == [environment()["PLAYGROUND_PORT"]]
    (check,) = final("HEALTHCHECK")
    assert "/health/live" in check
    assert "PLAYGROUND_PORT" in check
    program, flag, source = json.loads(check[check.index("[") :])
    assert (program, flag) == ("python", "-c")
    compile(source, "healthcheck", "exec")


def test_compose_publishes_on_loopback_only() -> None:
    assert SERVICE["ports"] == [f"127.0.0.1:8000:{environment()['PLAYGROUND_PORT']}"]
    assert "network_mode" not in SERVICE


def test_compose_does_not_start_without_a_key() -> None:
    assert SERVICE["environment"]["PLAYGROUND_API_KEY"].startswith("${PLAYGROUND_API_KEY:?")


def test_compose_gives_the_service_few_rights() -> None:
    assert SERVICE["read_only"] is True
    assert SERVICE["tmpfs"] == ["/tmp"]
    assert SERVICE["cap_drop"] == ["ALL"]
    assert SERVICE["security_opt"] == ["no-new-privileges:true"]
    assert not {"privileged", "cap_add", "user", "pid", "ipc", "devices"} & set(SERVICE)


def test_compose_limits_memory_and_restarts() -> None:
    assert re.fullmatch(r"\d+g", SERVICE["mem_limit"])
    assert SERVICE["restart"] == "unless-stopped"
    assert SERVICE["stop_grace_period"] == "15s", "the service stops within ten seconds"


def test_compose_passes_the_index_of_torch_on() -> None:
    assert SERVICE["build"]["args"] == {"TORCH_INDEX_URL": "${TORCH_INDEX_URL:-}"}


def test_the_team_has_two_that_answer_and_two_that_run_jobs() -> None:
    services = TEAM["services"]
    assert services["worker"]["command"] == ["context-playground", "worker"]
    assert services["worker"]["deploy"]["replicas"] == 2
    answering = [services[name] for name in ("first", "second")]
    assert [service["environment"]["PLAYGROUND_WORKER"] for service in answering] == ["false", "false"]
    published = [port for service in services.values() for port in service.get("ports", [])]
    assert published == ["127.0.0.1:8000:8000", "127.0.0.1:8001:8000"]


def test_the_team_shares_one_database_and_one_folder_and_demands_its_secrets() -> None:
    services = [TEAM["services"][name] for name in ("first", "second", "worker")]
    (url,) = {service["environment"]["PLAYGROUND_DATABASE_URL"] for service in services}
    assert re.fullmatch(r"postgresql://playground:\$\{POSTGRES_PASSWORD:\?[^}]+\}@database/playground", url)
    for service in services:
        assert service["environment"]["PLAYGROUND_API_KEY"].startswith("${PLAYGROUND_API_KEY:?")
        assert service["volumes"] == SERVICE["volumes"]
        for name in ("read_only", "tmpfs", "cap_drop", "security_opt", "restart", "image"):
            assert service[name] == SERVICE[name]


def test_the_image_has_the_programs_that_back_up_the_teams_database() -> None:
    server = re.search(r"-pg(\d+)-", TEAM["services"]["database"]["image"])
    (installed,) = [run for run in final("RUN") if "apt-get install" in run]
    client = re.search(r" postgresql-client-(\d+)=\1\.\* ", installed)
    assert server is not None
    assert client is not None
    assert int(client[1]) >= int(server[1]), "pg_dump refuses a newer server"
    debian = re.search(r"python:[\d.]+-slim-(\w+)", stages()[-1][0][1])
    assert debian is not None
    assert f"/apt {debian[1]}-pgdg main" in installed, "packages of another Debian need other libraries"


def test_the_key_of_the_packages_is_checked_before_it_is_trusted() -> None:
    (added,) = final("ADD")
    found = re.fullmatch(r"--checksum=sha256:[0-9a-f]{64} --chmod=644\s+https://www\.postgresql\.org/\S+ (\S+)", added)
    assert found is not None
    (installed,) = [run for run in final("RUN") if "apt-get install" in run]
    assert f"[signed-by={found[1]}]" in installed
