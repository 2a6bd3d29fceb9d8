"""Files of arrays: what is written is mapped, and damage is noticed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from indexes.array_file import map_arrays, write_arrays

KINDS = ["<i4", "<i8", "<f4", "<f8", "|u1"]


@given(
    lengths=st.dictionaries(st.text(max_size=12), st.tuples(st.integers(0, 50), st.sampled_from(KINDS)), max_size=6),
    seed=st.integers(0, 1000),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_arrays_come_back_as_they_were(tmp_path: Path, lengths: dict[str, tuple[int, str]], seed: int) -> None:
    generator = np.random.default_rng(seed)
    arrays = {name: generator.integers(0, 200, count).astype(kind) for name, (count, kind) in lengths.items()}
    write_arrays(tmp_path / "arrays", arrays)
    mapped = map_arrays(tmp_path / "arrays")
    assert list(mapped) == list(arrays)
    for name, array in arrays.items():
        np.testing.assert_array_equal(mapped[name], array)
        assert mapped[name].dtype == array.dtype
        assert mapped[name].flags.aligned
        assert not mapped[name].flags.writeable


def test_a_strided_array_is_written_as_it_reads(tmp_path: Path) -> None:
    write_arrays(tmp_path / "arrays", {"every_other": np.arange(10)[::2]})
    assert map_arrays(tmp_path / "arrays")["every_other"].tolist() == [0, 2, 4, 6, 8]


def test_mapped_arrays_outlive_the_file(tmp_path: Path) -> None:
    write_arrays(tmp_path / "arrays", {"numbers": np.arange(100_000)})
    numbers = map_arrays(tmp_path / "arrays")["numbers"]
    (tmp_path / "arrays").unlink()
    assert int(numbers.sum()) == 4_999_950_000


@pytest.mark.parametrize("keep", [0, 5, 12, 40, 100, -1])
def test_a_shortened_file_is_refused(tmp_path: Path, keep: int) -> None:
    path = tmp_path / "arrays"
    write_arrays(path, {"first": np.arange(7), "second": np.arange(3.0)})
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(ValueError, match=r".+"):
        map_arrays(path)


@pytest.mark.parametrize("content", [b"something else", b"arrays1\n" + b"\xff" * 8, b"arrays1\n" + bytes(8)])
def test_another_file_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "arrays").write_bytes(content)
    with pytest.raises(ValueError, match=r".+"):
        map_arrays(tmp_path / "arrays")


def test_trailing_bytes_are_refused(tmp_path: Path) -> None:
    write_arrays(tmp_path / "arrays", {"numbers": np.arange(7)})
    with (tmp_path / "arrays").open("ab") as stream:
        stream.write(b"more")
    with pytest.raises(ValueError, match="arrays has 124 bytes where its header says 120"):
        map_arrays(tmp_path / "arrays")


def test_a_missing_file_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        map_arrays(tmp_path / "arrays")


def test_equal_arrays_make_equal_bytes(tmp_path: Path) -> None:
    arrays: dict[str, Any] = {"numbers": np.arange(7), "empty": np.zeros(0, dtype=np.int32)}
    for name in ("one", "other"):
        write_arrays(tmp_path / name, arrays)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "other").read_bytes()
