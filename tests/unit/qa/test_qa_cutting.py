"""A log that reaches its cap keeps its start, its end and what tells how the suite fares,
wherever the process is killed."""

from __future__ import annotations

import tempfile
import threading
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelcar_tui.commands.run import _Tail
from modelcar_tui.core.log_lines import RawLine
from modelcar_tui.core.secrets import Redactor
from modelcar_tui.qa.cleanup import left_by_log
from modelcar_tui.qa.log import cutting
from modelcar_tui.qa.log.cutting import MAX_BYTES, RECORD
from modelcar_tui.qa.log.pipeline import Pipeline
from modelcar_tui.qa.log.spool import Origin, SpoolReader, SpoolWriter, spool_index
from modelcar_tui.tui.logindex import LogIndex
from modelcar_tui.tui.logs import open_log

CAP = 16_000


def written(path: Path, lines: int, *, start: int = 0, every: int = 7) -> SpoolWriter:
    writer = SpoolWriter(path, max_bytes=CAP)
    for number in range(start, start + lines):
        writer.append(f"line {number:06d}", at=float(number + 1), kept=number % 100 == 3)
        if number % every == 0:
            writer.flush()
    writer.flush()
    return writer


def on_disk(path: Path) -> int:
    return path.stat().st_size + spool_index(path).stat().st_size


def texts(path: Path) -> list[str]:
    reader = SpoolReader(path)
    return [line.text for line in reader.lines(0, reader.count)]


def test_a_long_log_keeps_start_end_and_what_tells_of_the_suite(tmp_path: Path) -> None:
    path = tmp_path / "qa.log"
    writer = written(path, 10_000)
    found = texts(path)
    assert found[0] == "line 000000"
    assert found[-1] == "line 009999"
    gaps = [line for line in found if line.startswith("…")]
    assert len(gaps) == 1
    at = found.index(gaps[0])
    assert found[:at] == [f"line {number:06d}" for number in range(at)]
    assert found[at + 1] == f"line {(at // 100 * 100) + 103:06d}", "the first that is kept from between"
    end = next(number for number in range(len(found)) if found[-1 - number] != f"line {9_999 - number:06d}")
    assert end * (12 + RECORD.size) >= CAP // 4 - 100
    reader = SpoolReader(path)
    assert reader.gap == (at, 10_000 - (len(found) - 1))
    assert f"{reader.gap.lines:,} lines of the suite are left out here" in gaps[0]
    assert (writer.ever, writer.suite_lines, writer.count) == (10_000, 10_000, len(found))
    assert reader.lines(at, 1)[0].origin is Origin.GAP
    assert reader.lines(at, 1)[0].at == 0.0
    assert reader.lines(len(found) - 1, 1)[0].at == 10_000.0


def test_it_is_never_far_above_its_cap(tmp_path: Path) -> None:
    path = tmp_path / "qa.log"
    writer = SpoolWriter(path, max_bytes=CAP)
    most = 0
    for number in range(20_000):
        writer.append(f"line {number:06d}", origin=Origin.US if number % 5_000 == 9 else Origin.SUITE)
        writer.flush()
        most = max(most, writer.size + writer.count * RECORD.size)
    assert most <= CAP
    assert on_disk(path) == writer.size + writer.count * RECORD.size
    assert sum(line.origin is Origin.US for line in SpoolReader(path).lines(0, writer.count)) == 4, (
        "ours stay"
    )
    assert MAX_BYTES == 256 * 1024**2


def test_another_process_counts_the_lines_that_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "qa.log"
    written(path, 10_000).close()
    again = SpoolWriter(path, max_bytes=CAP)
    assert (again.suite_lines, again.ever) == (10_000, 10_000)
    again.close()
    assert written(path, 3_000, start=10_000).suite_lines == 13_000
    assert texts(path)[-1] == "line 012999"


@pytest.mark.parametrize("step", range(1, 8))
def test_killed_anywhere_while_it_is_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int) -> None:
    """The kill: from the given change of a name on, none happens any more."""
    path, changes = tmp_path / "qa.log", [0]
    real = {name: getattr(Path, name) for name in ("replace", "unlink")}

    def dying(name: str) -> None:
        def act(self: Path, *args: object, **more: object) -> object:
            if self.parent == tmp_path:
                changes[0] += 1
                if changes[0] >= step:
                    raise KeyboardInterrupt
            return real[name](self, *args, **more)

        monkeypatch.setattr(Path, name, act)

    writer = SpoolWriter(path, max_bytes=CAP)
    for number in range(700):
        writer.append(f"line {number:06d}", at=float(number + 1))
    for name in real:
        dying(name)
    with suppress(KeyboardInterrupt):
        writer.flush()
    monkeypatch.undo()
    again = SpoolWriter(path, max_bytes=CAP)
    assert again.suite_lines == 700
    assert {file.name for file in tmp_path.iterdir()} == {"qa.log", "qa.log.idx"}
    found = texts(path)
    assert (found[0], found[-1]) == ("line 000000", "line 000699")
    assert all(line.startswith(("line 000", "… ")) for line in found)


def test_a_disk_without_room_for_the_cut_leaves_the_log_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "qa.log"

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    writer = SpoolWriter(path, max_bytes=CAP)
    for number in range(700):
        writer.append(f"line {number:06d}")
    monkeypatch.setattr(cutting._Cutting, "_copy", full)
    with pytest.raises(OSError, match="No space"):
        writer.flush()
    assert texts(path) == [f"line {number:06d}" for number in range(700)]
    assert {file.name for file in tmp_path.iterdir()} == {"qa.log", "qa.log.idx"}


def test_a_reader_beside_a_writer_never_sees_half_a_cut(tmp_path: Path) -> None:
    path = tmp_path / "qa.log"
    written(path, 10).close()
    odd, stop, looks = [], threading.Event(), [0]

    def read() -> None:
        reader = SpoolReader(path)
        while not stop.is_set():
            looks[0] += 1
            for line in reader.lines(max(0, reader.count - 40), 40):
                if not (len(line.text) == 11 and line.text.startswith("line ")) and line.text[:1] != "…":
                    odd.append(line)

    thread = threading.Thread(target=read)
    thread.start()
    try:
        written(path, 20_000, start=10)
    finally:
        stop.set()
        thread.join()
    assert looks[0] > 5
    assert odd == []


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 400), st.booleans()), max_size=400), st.integers(1, 50))
def test_whatever_the_lines_none_is_lost_uncounted(lines: list[tuple[int, bool]], every: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "qa.log"
        writer = SpoolWriter(path, max_bytes=4_000)
        for number, (length, kept) in enumerate(lines):
            writer.append(f"{number} " + "ä" * length, kept=kept)
            if number % every == 0:
                writer.flush()
        writer.close()
        reader = SpoolReader(path)
        found = [line for line in reader.lines(0, writer.count) if line.origin is Origin.SUITE]
        assert len(found) + reader.gap.lines == len(lines) == writer.suite_lines
        for line in found:
            number = int(line.text.split(" ")[0])
            assert line.text == f"{number} " + "ä" * lines[number][0]


def test_a_resumed_suite_takes_no_line_twice_and_still_knows_its_results(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Podman tells its log from the start; Kubernetes from a time, and the spool is parsed."""
    monkeypatch.setattr("modelcar_tui.qa.log.pipeline.MAX_SPOOL", 60_000)
    test = "tests/model_serving/model_runtime/model_validation/test_modelvalidation.py::TestX::test_y"
    lines = [b"collected 3 items", b"2026-11-23 INFO ocp_resources Create Namespace kept-by-the-log"]
    lines += [b"line %06d of ordinary work of the suite" % number for number in range(4_000)]
    for at, name in enumerate((b"one", b"two", b"three")):
        lines.insert(
            1_000 + at * 500, b"TEST: %b[%b] STATUS: \x1b[0;32mPASSED\x1b[0m" % (test.encode(), name)
        )

    def fed(take: list[bytes]) -> Pipeline:
        pipeline = Pipeline(tmp_path / "qa.log", Redactor(), lambda _: None)
        for number, line in enumerate(take):
            pipeline.take(RawLine(line, 1_000.0 + number))
            pipeline.flush()
        return pipeline

    first = fed(lines[:3_500])
    first.close()
    assert SpoolReader(tmp_path / "qa.log").gap.lines > 500
    second = fed(lines)
    assert second.seen == len(lines)
    assert second.parser.result.done == first.parser.result.done
    second.close()
    found = texts(tmp_path / "qa.log")
    assert found[-1] == lines[-1].decode()
    assert len(set(found)) == len(found), "no line stands there twice"
    third = Pipeline(tmp_path / "qa.log", Redactor(), lambda _: None)
    last, ties = third.replay()
    assert (last, ties) == (1_000.0 + len(lines) - 1, 1)
    assert third.parser.result.done == second.parser.result.done
    assert third.parser.result.models.keys() == second.parser.result.models.keys()
    assert third.parser.result.total == 3
    assert left_by_log(tmp_path) == tuple(second.parser.result.created)


def test_screen_and_headless_follow_a_log_that_is_cut(tmp_path: Path) -> None:
    path = tmp_path / "qa.log"
    writer = SpoolWriter(path, max_bytes=CAP)
    told: list[str] = []
    index, tail = LogIndex(), _Tail(path)
    source = open_log(str(path))
    assert source is not None
    index.source = source
    before: dict[str, int] = {}
    for number in range(3_000):
        writer.append(f"line {number:06d}")
        writer.flush()
        if number % 20 == 0:
            told += tail.more()
            moved = index.moved
            index.refresh()
            now = {line.text: at for at, line in index.read(max(0, index.shown - 60), 60)}
            if index.moved > moved:
                same = [line for line in now if line in before and before[line] > index.gap[0]]
                assert same
                assert all(now[line] == before[line] - (index.moved - moved) for line in same)
            before = now
    told += tail.more()
    assert told == [f"line {number:06d}" for number in range(3_000)], "each line once"
