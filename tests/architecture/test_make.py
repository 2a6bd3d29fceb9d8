"""The Makefile, run with a Python that only writes down what it was asked for."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from tests.architecture.source_tree import ROOT

MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
TARGETS = set(re.findall(r"^([a-z-]+):", MAKEFILE, flags=re.MULTILINE))

FAKE_TOOL = """#!/bin/sh
echo "$(basename "$0") $*" >> "$CALLS"
if [ "$1 $2" = "-m venv" ]; then
    mkdir -p "$3/bin"
    for tool in python context-playground ruff mypy hadolint; do cp "$0" "$3/bin/$tool"; done
fi
case "$*" in *sys.version_info*) exit "$TOO_OLD" ;; esac
"""


class Clone:
    """A folder with the Makefile and a recording Python."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.calls_file = folder / "calls.txt"
        for name in ("Makefile", "pyproject.toml", "constraints.txt"):
            shutil.copy(ROOT / name, folder / name)
        self.python = folder / "fake-python"
        self.python.write_text(FAKE_TOOL, encoding="utf-8")
        self.python.chmod(0o755)

    def make(self, *words: str, too_old: bool = False, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run make; the calls of this run alone are in `calls` afterwards."""
        self.calls_file.write_text("", encoding="utf-8")
        kept = {key: os.environ[key] for key in ("PATH", "LANG") if key in os.environ}
        return subprocess.run(
            ["make", f"PYTHON={self.python}", *words],
            cwd=self.folder,
            env={**kept, **environment, "CALLS": str(self.calls_file), "TOO_OLD": str(int(too_old))},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    @property
    def calls(self) -> list[str]:
        """Return what the tools were asked for, the version check left out."""
        lines = self.calls_file.read_text(encoding="utf-8").splitlines()
        return [line for line in lines if "version_info" not in line]

    @property
    def installs(self) -> list[str]:
        """Return the calls that install."""
        return [call for call in self.calls if "pip install" in call]


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    return Clone(tmp_path)


def touch_later(path: Path) -> None:
    later = time.time() + 60
    os.utime(path, (later, later))


def test_help_is_the_default_and_has_a_line_for_each_target(clone: Clone) -> None:
    printed = clone.make().stdout
    named = dict(line.split(maxsplit=2)[1:] for line in printed.splitlines())
    assert set(named) == TARGETS
    assert all(named.values())
    assert clone.calls == []


def test_run_makes_the_environment_installs_the_runtime_and_serves(clone: Clone) -> None:
    result = clone.make("run")
    assert result.returncode == 0, result.stderr
    assert clone.calls[0] == "fake-python -m venv .venv"
    assert len(clone.installs) == 1
    assert clone.installs[0].endswith("-c constraints.txt -e .")
    assert clone.calls[-1] == "context-playground serve"


def test_a_second_run_installs_nothing(clone: Clone) -> None:
    clone.make("run")
    clone.make("run")
    assert clone.calls == ["context-playground serve"]


@pytest.mark.parametrize("changed", ["pyproject.toml", "constraints.txt"])
def test_a_changed_requirement_is_installed_into_the_same_environment(clone: Clone, changed: str) -> None:
    clone.make("run")
    touch_later(clone.folder / changed)
    clone.make("run")
    assert len(clone.installs) == 1
    assert not any("-m venv" in call for call in clone.calls)


def test_the_development_installation_serves_too(clone: Clone) -> None:
    clone.make("test-fast")
    assert clone.installs[0].endswith("-e .[development,office]")
    clone.make("run")
    assert clone.installs == []


def test_a_runtime_installation_is_completed_for_tests(clone: Clone) -> None:
    clone.make("run")
    clone.make("test-fast")
    assert len(clone.installs) == 1
    assert clone.installs[0].endswith("-e .[development,office]")


def test_the_environment_may_be_a_link(clone: Clone, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "venv"
    subprocess.run(
        [clone.python, "-m", "venv", elsewhere],
        check=True,
        env={"CALLS": str(clone.calls_file), "PATH": os.environ["PATH"]},
    )
    (clone.folder / ".venv").symlink_to(elsewhere)
    assert clone.make("run").returncode == 0
    assert len(clone.installs) == 1
    clone.make("clean")
    assert not (clone.folder / ".venv").exists()
    assert (elsewhere / "bin" / "python").exists()


def test_the_index_of_torch_is_passed_on_only_when_set(clone: Clone) -> None:
    clone.make("run", "TORCH_INDEX_URL=https://wheels.example/cpu")
    assert "--extra-index-url https://wheels.example/cpu" in clone.installs[0]
    clone.make("clean")
    clone.make("run", TORCH_INDEX_URL="https://wheels.example/variable")
    assert "--extra-index-url https://wheels.example/variable" in clone.installs[0]
    clone.make("clean")
    clone.make("run")
    assert "index-url" not in clone.installs[0]


def test_an_old_python_is_refused_with_the_way_out(clone: Clone) -> None:
    result = clone.make("run", too_old=True)
    assert result.returncode != 0
    assert "Python 3.11 or later is needed" in result.stderr
    assert "make PYTHON=" in result.stderr
    assert clone.calls == []


def test_a_missing_python_is_refused_with_the_way_out(clone: Clone) -> None:
    clone.python.unlink()
    result = clone.make("run")
    assert result.returncode != 0
    assert "Python 3.11 or later is needed" in result.stderr


def test_tests_run_fast_first_then_slow_then_acceptance(clone: Clone) -> None:
    clone.make("test", PLAYGROUND_DATA="published")
    marks = [call.rpartition(" -m ")[2] for call in clone.calls if "pytest" in call]
    assert marks == ["not slow and not acceptance", "slow and not acceptance", "acceptance"]


def test_tests_say_that_acceptance_was_left_out(clone: Clone) -> None:
    result = clone.make("test")
    assert "PLAYGROUND_DATA is not set" in result.stdout
    assert len([call for call in clone.calls if "pytest" in call]) == 2


def test_check_runs_every_checker(clone: Clone) -> None:
    assert clone.make("check").returncode == 0
    assert clone.calls[-5:] == [
        "ruff format --check .",
        "ruff check .",
        "mypy ",
        "python -m pytest -m not slow tests/architecture",
        "hadolint Dockerfile",
    ]


def test_clean_keeps_the_data(clone: Clone) -> None:
    for name in ("data", "build", "app", "configs", "indexes", "ingest", "tests"):
        (clone.folder / name / "__pycache__").mkdir(parents=True)
    assert clone.make("clean").returncode == 0
    assert (clone.folder / "data").is_dir()
    assert not (clone.folder / "build").exists()
    assert not (clone.folder / "app" / "__pycache__").exists()
    assert (clone.folder / "app").is_dir()


def test_ci_checks_and_tests() -> None:
    script = ROOT / ".ci" / "run"
    lines = script.read_text(encoding="utf-8").splitlines()
    assert lines[0] == "#!/usr/bin/env bash"
    assert "set -euo pipefail" in lines
    assert lines[-2:] == ["make check", "make test"]
    assert os.access(script, os.X_OK)
    assert subprocess.run(["bash", "-n", script], check=False).returncode == 0
