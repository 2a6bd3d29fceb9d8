"""A bounded memory: it never weighs more than it may, and forgets what was not used for longest."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from app.context.personal.remembered import Remembered

steps = st.lists(st.tuples(st.sampled_from(["get", "put", "replace", "drop"]), st.integers(0, 4), st.integers(0, 6)))


@given(steps)
@example([("put", 2, 0), ("replace", 2, 0), ("get", 2, 0)])
def test_it_keeps_what_was_used_last_within_its_weight(steps: list[tuple[str, int, int]]) -> None:
    remembered: Remembered[int, list[int]] = Remembered(5, sum)
    oracle: list[tuple[int, list[int]]] = []  # used last stands last
    for action, key, weight in steps:
        found = next((value for one, value in oracle if one == key), None)
        value = [weight]
        if action == "get":
            assert remembered.get(key) is found
            oracle = [pair for pair in oracle if pair[0] != key] + ([(key, found)] if found is not None else [])
        elif action == "put":
            remembered.put(key, value)
            oracle = [pair for pair in oracle if pair[0] != key] + ([(key, value)] if weight <= 5 else [])
        elif action == "replace" and found is not None:
            remembered.replace(key, [*found], value)  # equal, but not the object that is there
            same, after = [*found], [*found]
            remembered.put(key, same)
            remembered.replace(key, same, after)
            oracle = [pair for pair in oracle if pair[0] != key] + [(key, after)]
        elif action == "drop":
            remembered.drop(key)
            oracle = [pair for pair in oracle if pair[0] != key]
        while sum(value[0] for _, value in oracle) > 5:
            oracle.pop(0)
    for key, kept in oracle:
        assert remembered.get(key) == kept
    assert all(remembered.get(key) is None for key in range(5) if key not in dict(oracle))
    remembered.clear()
    assert all(remembered.get(key) is None for key in range(5))
