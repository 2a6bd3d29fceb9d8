"""The command `gate`: what it prints and returns, on data folders as they are found."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic import command

from app.command_line import main
from app.gate import check_gate, gate_lines
from tests.app.evaluation.promotion.trials import BOT, Trials
from tests.app.evaluation.world import WORKSPACE, World
from tests.app.test_migrations import configuration

UNKNOWN = {"--workspace": "nosuch", "--alias": "nosuch", "--experiment": "nosuch"}


@pytest.fixture
def trials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Trials:
    world = World(tmp_path)
    trials = Trials(world)
    trials.candidate("s16")
    monkeypatch.setenv("PLAYGROUND_DATA_FOLDER", str(tmp_path))
    url = world.database.url.render_as_string()
    command.stamp(configuration(url), "head")
    monkeypatch.setenv("PLAYGROUND_DATABASE_URL", url)
    return trials


def run(experiment_id: str, **changed: str) -> int:
    names = {"--workspace": WORKSPACE, "--alias": BOT, "--experiment": experiment_id, **changed}
    return main(["gate", *(part for pair in names.items() for part in pair)])


def test_it_passes_and_fails_as_the_check_does(trials: Trials, capsys: pytest.CaptureFixture[str]) -> None:
    experiment_id = trials.compare("s16", "s32")
    assert run(experiment_id) == 0
    passed = capsys.readouterr().out
    assert passed.splitlines()[-1] == "PASS: it may be promoted"
    trials.world.delete("larch")
    assert run(experiment_id) == 1
    failed = capsys.readouterr().out
    assert "FAIL  documents: 1 documents differ" in failed
    assert failed.splitlines()[-1] == "FAIL: 1 conditions are not met"
    assert trials.active() is None, "it changes nothing"


@pytest.mark.parametrize("name", UNKNOWN)
def test_unknown_names_are_errors(trials: Trials, capsys: pytest.CaptureFixture[str], name: str) -> None:
    experiment_id = trials.compare("s16", "s32")
    assert run(experiment_id, **{name: UNKNOWN[name]}) == 2
    assert "_not_found: " in capsys.readouterr().err


def test_no_candidate_is_an_error(trials: Trials, capsys: pytest.CaptureFixture[str]) -> None:
    trials.promote(None, "there is none then")
    assert run(trials.compare("s16", "s32")) == 2
    assert capsys.readouterr().err.startswith("no_candidate: ")


def test_a_database_that_is_away_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PLAYGROUND_DATA_FOLDER", str(tmp_path))
    monkeypatch.setenv("PLAYGROUND_DATABASE_URL", f"sqlite:///{tmp_path}")
    assert run("whatever") == 2
    assert "database_unavailable" in capsys.readouterr().err


def test_missing_arguments_are_an_error() -> None:
    with pytest.raises(SystemExit, check=lambda error: error.code == 2):
        main(["gate", "--workspace", "w"])


def test_every_condition_has_a_line(trials: Trials) -> None:
    checked = check_gate(trials.world.database, WORKSPACE, BOT, trials.compare("s16", "s32"))
    lines = list(gate_lines(checked))
    assert len(lines) == len(checked.conditions) + 2
    assert all(f"{one.name}: {one.detail}" in line for one, line in zip(checked.conditions, lines[1:], strict=False))
