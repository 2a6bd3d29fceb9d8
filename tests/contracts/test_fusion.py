"""What every fusion promises, tried on each registered member."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from configs.part import fingerprint_of
from indexes.fusions import Candidates, Fusion
from tests.contracts.fusion_candidates import SIGNALS, candidates, pair

FUSIONS = [member.model_validate({"kind": kind}) for kind, member in Fusion.members().items()]


@pytest.mark.parametrize("fusion", FUSIONS, ids=lambda fusion: str(fusion.kind_of_class()))
@given(drawn=candidates(), data=st.data())
def test_the_order_of_the_candidates_changes_no_score(fusion: Fusion, drawn: Candidates, data: st.DataObject) -> None:
    order = data.draw(st.permutations(range(drawn.scores.shape[1])))
    shuffled = Candidates(scores=drawn.scores[:, order], ranks=drawn.ranks[:, order], signals=drawn.signals)
    np.testing.assert_array_equal(fusion.fuse(shuffled), fusion.fuse(drawn)[order])


@pytest.mark.parametrize("fusion", FUSIONS, ids=lambda fusion: str(fusion.kind_of_class()))
@given(drawn=candidates(), data=st.data())
def test_the_order_of_the_stores_changes_no_score(fusion: Fusion, drawn: Candidates, data: st.DataObject) -> None:
    order = data.draw(st.permutations(range(len(drawn.signals))))
    signals = [drawn.signals[number] for number in order]
    shuffled = Candidates(scores=drawn.scores[order], ranks=drawn.ranks[order], signals=signals)
    np.testing.assert_array_equal(fusion.fuse(shuffled), fusion.fuse(drawn))


@pytest.mark.parametrize("fusion", FUSIONS, ids=lambda fusion: str(fusion.kind_of_class()))
@given(drawn=candidates())
def test_every_candidate_gets_one_finite_score(fusion: Fusion, drawn: Candidates) -> None:
    before = drawn.scores.copy(), drawn.ranks.copy()
    fused = fusion.fuse(drawn)
    assert fused.dtype == np.float64
    assert fused.shape == (drawn.scores.shape[1],)
    assert np.isfinite(fused).all()
    np.testing.assert_array_equal(drawn.scores, before[0])
    np.testing.assert_array_equal(drawn.ranks, before[1])


@pytest.mark.parametrize("fusion", FUSIONS, ids=lambda fusion: str(fusion.kind_of_class()))
@given(drawn=candidates(least_candidates=2))
def test_who_is_better_in_every_store_is_not_worse_in_the_end(fusion: Fusion, drawn: Candidates) -> None:
    fused = fusion.fuse(drawn)
    places = np.where(drawn.ranks == 0, 10**6, drawn.ranks)
    for one in range(len(fused)):
        for other in range(len(fused)):
            if (drawn.scores[:, one] >= drawn.scores[:, other]).all() and (places[:, one] <= places[:, other]).all():
                assert fused[one] >= fused[other] - 1e-12


@pytest.mark.parametrize("fusion", FUSIONS, ids=lambda fusion: str(fusion.kind_of_class()))
def test_no_candidates_give_an_empty_array(fusion: Fusion) -> None:
    assert fusion.fuse(pair([], [])).tolist() == []


@pytest.mark.parametrize("fusion", FUSIONS, ids=lambda fusion: str(fusion.kind_of_class()))
def test_candidates_that_nothing_tells_apart_stay_equal(fusion: Fusion) -> None:
    scores = np.full((2, 4), 0.25)
    fused = fusion.fuse(Candidates(scores=scores, ranks=np.ones((2, 4), dtype=np.int64), signals=SIGNALS))
    assert len(set(fused.tolist())) == 1


@pytest.mark.parametrize("fusion", FUSIONS, ids=lambda fusion: str(fusion.kind_of_class()))
def test_no_setting_is_baked(fusion: Fusion) -> None:
    """Fusions act on what was found; a setting that asked for a new index would be a mistake."""
    assert fusion.fingerprint == fingerprint_of({"kind": fusion.kind_of_class(), "revision": fusion.revision})


@pytest.mark.parametrize("fusion", FUSIONS, ids=lambda fusion: str(fusion.kind_of_class()))
@pytest.mark.parametrize("signals", [["dense", "dense"], ["lexical", "lexical"], ["dense", "lexical"]])
def test_what_is_refused_beforehand_is_refused_at_once(fusion: Fusion, signals: list[str]) -> None:
    drawn = Candidates(scores=np.ones((2, 1)), ranks=np.ones((2, 1), dtype=np.int64), signals=signals)
    try:
        fusion.check_signals(signals)
    except ValueError as refused:
        with pytest.raises(ValueError, match=str(refused)):
            fusion.fuse(drawn)
    else:
        assert fusion.fuse(drawn).shape == (1,)
