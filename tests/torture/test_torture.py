"""A short campaign on each database; `make torture` runs long ones."""

from __future__ import annotations

import shutil

import pytest
from sqlalchemy import delete, select, update

from indexes.database.engine import Database
from indexes.database.tables import Document, Served
from tests.torture import campaign
from tests.torture.audit import Audit
from tests.torture.campaign import Plan, run

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.mark.parametrize(("on_postgresql", "kills"), [(False, 6), (True, 3)])
def test_kills_lose_double_and_damage_nothing(on_postgresql: bool, kills: int) -> None:
    plan = Plan(
        kills=kills, seed=20261128, on_postgresql=on_postgresql, kills_per_audit=kills, servers=1, workers=1,
        most_seconds_between_kills=1.0, starts_warm=True,
    )  # fmt: skip
    report = run(plan)
    assert not report.faults, "\n".join(report.lines())
    assert sum(report.killed.values()) == kills
    assert report.operations["upload"] > 0


def test_an_audit_sees_what_is_planted(monkeypatch: pytest.MonkeyPatch) -> None:
    class Planting(Audit):
        def check(self, *, rebuild: bool) -> None:
            database = Database(self._cluster.database_url)
            with database.write() as session:
                lost, unserved = session.scalars(select(Document).order_by(Document.external_id).limit(2))
                session.execute(update(Document).where(Document.id == lost.id).values(external_id="somebody's"))
                session.execute(delete(Served).where(Served.document_id == unserved.id))
            database.close()
            super().check(rebuild=rebuild)

    monkeypatch.setattr(campaign, "Audit", Planting)
    report = run(Plan(kills=1, seed=1, on_postgresql=False, servers=1, workers=1, starts_warm=True))
    found = "\n".join(report.faults)
    assert "document anchor-0 is lost" in found
    assert "nobody sent somebody's" in found
    assert "does not answer with exactly the live documents" in found
    assert any(line.startswith("kept: ") for line in report.lines())
    shutil.rmtree(report.root)
