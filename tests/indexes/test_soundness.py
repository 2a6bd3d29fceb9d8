"""Soundness: any changed, cut or missing file of a segment is found before it answers, and a yes is remembered."""

from __future__ import annotations

import errno
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from indexes import soundness
from indexes.segments import RowTable, WrittenSegment, write_segment
from indexes.soundness import damaged_files, doubt, is_whole
from indexes.stores import SegmentRows
from indexes.stores.bm25 import Bm25
from indexes.stores.faiss_flat import FaissFlat

NUMBERS = np.arange(4, dtype=np.int32)
TABLE = RowTable(ordinals=NUMBERS, starts=NUMBERS * 9, ends=NUMBERS * 9 + 9, tokens=NUMBERS + 1)
ROWS = SegmentRows(texts=["cat", "dog owl", "cat fox", "elk"], vectors=np.eye(4, dtype=np.float32))
FILES = [
    "bm25/format.json",
    "bm25/postings.bin",
    "faiss_flat/format.json",
    "faiss_flat/vectors.faiss",
    "rows.bin",
]


@pytest.fixture
def written(tmp_path: Path) -> tuple[Path, WrittenSegment]:
    """Return a segment of two stores and where it lies."""
    folder = tmp_path / "segment"
    return folder, write_segment(folder, [FaissFlat(kind="faiss_flat"), Bm25(kind="bm25")], TABLE, ROWS)


def test_every_file_has_a_checksum(written: tuple[Path, WrittenSegment]) -> None:
    folder, segment = written
    assert sorted(segment.checksums) == FILES
    assert is_whole(folder, segment.checksums)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(name=st.sampled_from(FILES), place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_any_flipped_bit_of_any_file_is_found(
    written: tuple[Path, WrittenSegment], name: str, place: float, bit: int
) -> None:
    folder, segment = written
    whole = (folder / name).read_bytes()
    position = int(place * len(whole))
    changed = bytes([whole[position] ^ (1 << bit)])
    (folder / name).write_bytes(whole[:position] + changed + whole[position + 1 :])
    doubt([folder])
    assert not is_whole(folder, segment.checksums)
    assert damaged_files(folder, segment.checksums) == [name]
    (folder / name).write_bytes(whole)
    assert is_whole(folder, segment.checksums)


def test_a_yes_is_remembered_and_a_no_is_not(written: tuple[Path, WrittenSegment]) -> None:
    folder, segment = written
    victim = folder / "rows.bin"
    whole = victim.read_bytes()
    victim.write_bytes(whole[:-1])
    assert not is_whole(folder, segment.checksums)
    victim.write_bytes(whole)
    assert is_whole(folder, segment.checksums)
    victim.unlink()
    assert is_whole(folder, segment.checksums)
    doubt([folder])
    assert not is_whole(folder, segment.checksums)


def test_those_asked_for_last_are_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(soundness, "SEGMENTS_REMEMBERED", 2)
    nothing = {"f": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}
    folders = [tmp_path / name for name in "abc"]
    for folder in folders:
        folder.mkdir()
        (folder / "f").write_bytes(b"")
        assert is_whole(folder, nothing)
        (folder / "f").unlink()
    assert [is_whole(folder, nothing) for folder in folders] == [False, True, True]


def test_a_bad_sector_is_damage_and_a_busy_machine_is_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(number: int) -> None:
        def sha256_of(_path: Path) -> str:
            raise OSError(number, "as the system says it")

        monkeypatch.setattr(soundness, "sha256_of", sha256_of)

    failing(errno.EIO)
    assert damaged_files(tmp_path, {"f": "00"}) == ["f"]
    failing(errno.EMFILE)
    with pytest.raises(OSError, match="as the system says it"):
        damaged_files(tmp_path, {"f": "00"})
