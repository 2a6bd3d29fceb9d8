"""The commands of the page on operations, run one after the other over an installation, as a reader would."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import SecretStr

from app.installation import migrate
from configs.settings import Settings
from indexes.database.engine import Database
from tests.architecture.source_tree import ROOT
from tests.ingest.library import HYBRID, Library, file_upload

pytestmark = pytest.mark.slow

PAGE = ROOT / "docs" / "operations.md"
PRELUDE = f'set -eu; context-playground() {{ "{sys.executable}" -m app.command_line "$@"; }}\n'


def test_every_command_works_in_order(tmp_path: Path) -> None:
    settings = Settings(data_folder=tmp_path / "data", api_key=SecretStr(""), database_url="")
    migrate(settings.sqlalchemy_url)
    library = Library(Database(settings.sqlalchemy_url), settings.data_folder)
    library.index(HYBRID)
    library.ingest(file_upload("a.txt", b"some amber words"))
    library.database.close()
    blocks = re.findall(r"^```bash\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    assert len(blocks) == 4
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    done = subprocess.run(
        ["bash", "-c", PRELUDE + "".join(blocks)],
        cwd=tmp_path,
        env={**os.environ, "PLAYGROUND_DATA_FOLDER": "data", "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("everything is as it was written") == 2
    restored = Library(Database(f"sqlite:///{tmp_path / 'restored' / 'playground.sqlite'}"), tmp_path / "restored")
    assert restored.find("amber", recipe=HYBRID) == ["some amber words"]
    restored.database.close()
