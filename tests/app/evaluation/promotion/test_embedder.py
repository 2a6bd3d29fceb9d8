"""A candidate whose model changed is not promoted before somebody accepted it and its index is built anew."""

from __future__ import annotations

from indexes.database.alerts import acknowledge, raise_alert
from ingest.canaries import CanaryRow, canary_vectors
from ingest.embedders.hashing import Hashing
from tests.app.evaluation.experiments.laboratory import both, words
from tests.app.evaluation.promotion.trials import Trials

EMBEDDER = Hashing(kind="hashing", dimensions=64)
SETUP = both(16, EMBEDDER.dimensions)["setup"]


def test_a_changed_model_stands_in_the_way_until_its_vectors_are_made_anew(trials: Trials) -> None:
    database = trials.world.database
    trials.save("dense", SETUP)
    trials.candidate("dense")
    assert trials.condition(None, "embedder").is_met
    with database.write() as session:
        raise_alert(session, "embedder_changed", "another", "another model changed")
        raise_alert(session, "embedder_failed", EMBEDDER.fingerprint, "it cannot embed here")
    assert trials.condition(None, "embedder").is_met
    with database.write() as session:
        alert = raise_alert(session, "embedder_changed", EMBEDDER.fingerprint, "it changed")
        assert alert is not None
    found = trials.condition(None, "embedder")
    assert (found.is_met, found.items, f"/v1/alerts/{alert.id}/accept" in found.detail) == (False, [alert.id], True)
    with database.write() as session:
        acknowledge(session, alert.id)
        row = CanaryRow(embedder=EMBEDDER.fingerprint, settings={}, drift=0.0, renewals=1)
        row.keep(canary_vectors(EMBEDDER))
        session.add(row)
    found = trials.condition(None, "embedder")
    assert (found.is_met, found.items) == (False, [])
    assert "before the model was accepted" in found.detail
    trials.save("dense", SETUP)
    assert trials.condition(None, "embedder").is_met


def test_a_candidate_without_a_model_has_no_such_condition(trials: Trials) -> None:
    trials.save("lexical", words(16)["setup"])
    trials.candidate("lexical")
    assert "embedder" not in [one.name for one in trials.check(None).conditions]
