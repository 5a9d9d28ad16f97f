"""The spool: whole lines only, whatever happened to its writer, and cheap to read at any size."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from modelcar_tui.core.log_lines import KEEP, LineSplitter, RawLine
from modelcar_tui.core.secrets import Redactor
from modelcar_tui.core.stamps import seconds
from modelcar_tui.qa.log.lines import K8sFile
from modelcar_tui.qa.log.pipeline import Pipeline
from modelcar_tui.qa.log.spool import LINE_LIMIT, Origin, SpoolReader, SpoolWriter, spool_index
from support.masks import unnumbered

FAST = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
TEXT = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\r\n"), max_size=30)


def fresh(factory: pytest.TempPathFactory) -> Path:
    return factory.mktemp("spool") / "qa.log"


@FAST
@given(
    lines=st.lists(st.tuples(TEXT, st.sampled_from([Origin.SUITE, Origin.US])), max_size=40),
    start=st.integers(-2, 45),
)
def test_reader_gives_back_what_was_written(
    lines: list[tuple[str, Origin]], start: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = fresh(tmp_path_factory)
    writer = SpoolWriter(path)
    for number, (text, origin) in enumerate(lines):
        writer.append(text, at=float(number), origin=origin)
    writer.close()
    reader = SpoolReader(path)
    assert reader.count == len(lines)
    got = reader.lines(start, 7)
    begin = max(start, 0)
    want = [(n, text, float(n), origin) for n, (text, origin) in enumerate(lines)][begin : begin + 7]
    assert [tuple(line) for line in got] == want


@FAST
@given(count=st.integers(0, 30), cut_log=st.integers(0, 400), cut_index=st.integers(0, 480))
def test_killed_writer_leaves_whole_lines_and_the_next_goes_on(
    count: int, cut_log: int, cut_index: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = fresh(tmp_path_factory)
    writer = SpoolWriter(path)
    for number in range(count):
        writer.append(f"line {number}", origin=Origin.US if number % 5 == 0 else Origin.SUITE)
    writer.close()
    for file, cut in ((path, cut_log), (spool_index(path), cut_index)):
        os.truncate(file, max(file.stat().st_size - cut, 0))
    again = SpoolWriter(path)
    kept = again.count
    assert again.suite_lines == sum(number % 5 != 0 for number in range(kept))
    again.append("after")
    again.close()
    texts = [line.text for line in SpoolReader(path).lines(0, 100)]
    assert texts == [f"line {number}" for number in range(kept)] + ["after"]


def test_spool_is_for_its_owner_only(tmp_path: Path) -> None:
    SpoolWriter(tmp_path / "qa.log").close()
    for file in tmp_path.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_search_finds_in_both_directions(tmp_path: Path) -> None:
    writer = SpoolWriter(tmp_path / "qa.log")
    for number in range(10_000):
        writer.append("Needle" if number in (3, 5_000, 9_999) else f"hay {number}")
    writer.close()
    reader = SpoolReader(tmp_path / "qa.log")
    assert reader.search("needle") == 3
    assert reader.search("needle", start=4) == 5_000
    assert reader.search("needle", start=9_999, backwards=True) == 5_000
    assert reader.search("needle", start=3, backwards=True) is None
    assert reader.search("nothing") is None


def test_reader_follows_growth_and_survives_a_missing_file(tmp_path: Path) -> None:
    reader = SpoolReader(tmp_path / "qa.log")
    assert (reader.count, reader.lines(0, 5)) == (0, [])
    writer = SpoolWriter(tmp_path / "qa.log")
    writer.append("one")
    assert reader.count == 0
    writer.flush()
    assert [line.text for line in reader.lines(0, 5)] == ["one"]
    writer.append("two")
    writer.flush()
    assert [line.text for line in reader.lines(1, 5)] == ["two"]
    writer.close()


def test_reading_costs_the_same_at_any_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = SpoolWriter(tmp_path / "qa.log")
    for number in range(200_000):
        writer.append(f"line {number} of a log that is as long as the logs of a flood are")
        if number % 50_000 == 0:
            writer.flush()
    writer.close()
    reader, pread, read = SpoolReader(tmp_path / "qa.log"), os.pread, []

    def counted(handle: int, size: int, offset: int) -> bytes:
        data = pread(handle, size, offset)
        read.append(len(data))
        return data

    monkeypatch.setattr(os, "pread", counted)
    for start in range(0, 200_000, 5_000):
        read.clear()
        assert reader.lines(start, 50)[0].number == start
        # 51 records of the index and 50 lines, wherever they lie.
        assert len(read) <= 3
        assert sum(read) <= 51 * 16 + 50 * 80


@FAST
@given(data=st.binary(max_size=400), sizes=st.lists(st.integers(1, 50), min_size=1, max_size=20))
def test_splitter_does_not_care_how_the_bytes_arrive(data: bytes, sizes: list[int]) -> None:
    splitter, got, place, turn = LineSplitter(), [], 0, 0
    while place < len(data):
        size = sizes[turn % len(sizes)]
        got += splitter.feed(data[place : place + size])
        place, turn = place + size, turn + 1
    got.append(splitter.rest())
    assert got == data.split(b"\n")


def test_long_line_is_cut_and_never_buffered_whole() -> None:
    splitter = LineSplitter()
    for _ in range(100):
        assert list(splitter.feed(b"x" * 100_000)) == []
    assert [len(line) for line in splitter.feed(b"\nnext\n")] == [KEEP, 4]


def test_k8s_file_joins_parts_and_keeps_streams_apart() -> None:
    stamp = b"2026-11-23T22:41:55.812861762+00:00"
    log = b"".join(
        stamp + rest + b"\n"
        for rest in (
            b" stdout P one ",
            b" stderr F apart",
            b" stdout F line",
            b" stdout F ",
            b" stdout P no end",
        )
    )
    decoder = K8sFile()
    lines = [*decoder.feed(log), *decoder.feed(b"not of the format\n")]
    assert [line.data for line in lines] == [b"apart", b"one line", b"", b"not of the format"]
    assert lines[0].at == pytest.approx(1795473715.812861)
    assert [line.data for line in decoder.finish()] == [b"no end"]


@pytest.mark.parametrize("stamp", ["", "yesterday", "2026-13-45T99:99:99Z", "2026-11-23T22:41:55.x"])
def test_a_time_that_is_none_is_zero(stamp: str) -> None:
    assert seconds(stamp) == 0.0


@FAST
@example(data=b"\xd6\x90")
@given(data=st.binary(max_size=300))
def test_no_byte_of_a_line_reaches_the_terminal_unclean(
    data: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = fresh(tmp_path_factory)
    pipeline = Pipeline(path, Redactor(), lambda _: None)
    pipeline.take(RawLine(data.replace(b"\n", b" "), 0.0))
    pipeline.close()
    [line] = SpoolReader(path).lines(0, 10)
    assert line.text.isprintable() or "�" in line.text
    assert not any(ord(char) < 32 or 127 <= ord(char) < 160 for char in line.text)


def test_pipeline_cuts_after_redacting(tmp_path: Path) -> None:
    redact = Redactor()
    redact.add("a-secret-that-lies-across-the-cut")
    pipeline = Pipeline(tmp_path / "qa.log", redact, lambda _: None)
    pipeline.take(RawLine(b"x" * (LINE_LIMIT - 20) + b"a-secret-that-lies-across-the-cut", 0.0))
    pipeline.take(RawLine(b"10%\r20%\rdone\r", 0.0))
    pipeline.take(RawLine(b"\x1b[31ma-secret-that\x1b[0m-lies-across-the-cut", 0.0))
    pipeline.close()
    lines = [unnumbered(line.text) for line in SpoolReader(tmp_path / "qa.log").lines(0, 10)]
    assert lines[0].endswith("x***")
    assert lines[1:] == ["done", "***"]
