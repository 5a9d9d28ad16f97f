"""The journal: whole lines whatever the disk does; what can't be read is left out, said, and left alone."""

from __future__ import annotations

import errno
import os
import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import settings as with_limits
from hypothesis import strategies as st

from modelcar_tui.core.resources import demo_logs
from modelcar_tui.qa import QaProgressed
from modelcar_tui.supervisor import events as e
from modelcar_tui.supervisor import fold, read_journal
from modelcar_tui.supervisor.journal import Journal
from modelcar_tui.supervisor.journal_lines import Unread, unread_text

RUNS = sorted(demo_logs().glob("*.jsonl"))


def noticed(path: Path) -> list[str]:
    return [one.event.text for one in read_journal(path) if isinstance(one.event, e.Noticed)]


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """The kernel writes what fits and says so only at the next write, as on a disk that is nearly full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)


def test_a_line_that_finds_part_of_its_room_is_cut_back_and_the_next_one_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    journal = Journal(path)
    journal.append(e.Noticed(text="before"), 1.0)
    whole = path.read_bytes()
    with largest_file(len(whole) + 100), pytest.raises(OSError, match="File too large") as refused:
        journal.append(e.Noticed(text="z" * 3000), 1.0)
    assert refused.value.errno == errno.EFBIG
    assert path.read_bytes() == whole
    assert journal.append(e.Noticed(text="after"), 2.0).seq == 2
    journal.close()
    assert noticed(path) == ["before", "after"]


@pytest.mark.parametrize("parts", [1, 7, 100])
def test_a_write_that_comes_short_is_gone_on_with(
    parts: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda handle, data, at: real(handle, bytes(data)[:parts], at))
    journal = Journal(tmp_path / "journal.jsonl")
    for text in ("one", "two" * 50):
        journal.append(e.Noticed(text=text), 1.0)
    journal.close()
    assert noticed(tmp_path / "journal.jsonl") == ["one", "two" * 50]


def test_a_rest_that_could_not_be_cut_back_is_cut_before_the_next_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "journal.jsonl"
    journal = Journal(path)
    journal.append(e.Noticed(text="before"), 1.0)
    real = os.pwrite

    def half(handle: int, data: memoryview, at: int) -> int:
        real(handle, data[: len(data) // 2], at)
        raise OSError(errno.EIO, "gone")

    def refused(handle: int, size: int) -> None:
        raise OSError(errno.EIO, "gone")

    with monkeypatch.context() as broken:
        broken.setattr(os, "pwrite", half)
        broken.setattr(os, "ftruncate", refused)
        with pytest.raises(OSError, match="gone"):
            journal.append(e.Noticed(text="lost" * 100), 1.0)
        broken.setattr(os, "pwrite", real)
        with pytest.raises(OSError, match="gone"):
            journal.append(e.Noticed(text="never"), 1.0)
    journal.append(e.Noticed(text="after"), 1.0)
    journal.close()
    assert noticed(path) == ["before", "after"]
    assert path.read_bytes().count(b"\n") == 2


def test_what_could_not_be_flushed_is_not_in_the_journal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = Journal(tmp_path / "journal.jsonl")

    def refused(handle: int) -> None:
        raise OSError(errno.ENOSPC, "full")

    with monkeypatch.context() as full:
        full.setattr(os, "fsync", refused)
        with pytest.raises(OSError, match="full"):
            journal.append(e.ConsentGiven(allowed=True), 1.0)
    assert (tmp_path / "journal.jsonl").read_bytes() == b""
    assert journal.append(e.ConsentGiven(allowed=False), 1.0).seq == 1
    journal.close()


HARM = {
    "garbage": b"no event\n",
    "zeros": bytes(300) + b"\n",
    "half-an-event": b'{"seq":2,"at":1.0,"event":{"kind":"Noti\n',
    "no-utf-8": b"\xff\xfe\n",
    "deep": b"[" * 50_000 + b"\n",
    "no-time": b'{"seq":2,"at":1e300,"event":{"kind":"Noticed","text":"x"}}\n',
    "other-json": b'{"level":"info"}\n',
    "empty": b"\n",
}
NEWER = {
    "kind": b'{"seq":7,"at":1.0,"event":{"kind":"Mended","x":[1]}}\n',
    "field": b'{"seq":7,"at":1.0,"event":{"kind":"Noticed","text":{"words":"x"}}}\n',
}


@pytest.mark.parametrize("line", HARM | NEWER)
@pytest.mark.parametrize("place", ["first", "middle", "last"])
def test_a_line_that_can_t_be_read_is_left_out_and_stays(line: str, place: str, tmp_path: Path) -> None:
    path, odd = tmp_path / "journal.jsonl", (HARM | NEWER)[line]
    journal = Journal(path)
    for text in ("one", "two"):
        journal.append(e.Noticed(text=text), 1.0)
    journal.close()
    lines = path.read_bytes().splitlines(keepends=True)
    at = {"first": 0, "middle": 1, "last": 2}[place]
    lines.insert(at, odd)
    path.write_bytes(b"".join(lines))
    unread: list[Unread] = []
    told = list(read_journal(path, unread=unread))
    assert [one.event.text for one in told if isinstance(one.event, e.Noticed)] == ["one", "two"]
    assert unread == [Unread(at + 1, newer=line in NEWER)]
    again = Journal(path)
    number = again.append(e.Noticed(text="three"), 1.0).seq
    again.close()
    assert number == (8 if line in NEWER and place == "last" else 3)
    assert path.read_bytes().startswith(b"".join(lines))
    assert noticed(path) == ["one", "two", "three"]


def test_what_is_said_of_them_names_the_lines() -> None:
    assert unread_text([]) == ""
    assert "at line 4 (damaged): what" in unread_text([Unread(4)])
    assert "at lines 4, 9 (of a newer release): what" in unread_text([Unread(4, True), Unread(9, True)])
    many = [Unread(number, newer=number > 5) for number in range(1, 2001)]
    assert "at lines 1, 2, 3, 4, 5 and 1,995 more (damaged, or of a newer release): what" in unread_text(many)


@pytest.mark.parametrize("tail", [b'{"seq":2,"at":1.0,"ev', bytes(4096), b"x"])
def test_a_last_line_that_was_cut_short_goes(tail: bytes, tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    journal = Journal(path)
    journal.append(e.Noticed(text="one"), 1.0)
    journal.close()
    with path.open("ab") as file:
        file.write(tail)
    unread: list[Unread] = []
    assert len(list(read_journal(path, unread=unread))) == 1 and not unread
    again = Journal(path)
    assert again.append(e.Noticed(text="two"), 1.0).seq == 2
    again.close()
    assert noticed(path) == ["one", "two"]


@pytest.mark.parametrize("rest", [b"", bytes(700)], ids=["cut", "NULs"])
def test_after_a_power_cut_at_any_byte_the_whole_lines_stand(rest: bytes, tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    journal = Journal(path)
    texts = ["one", "zwölf \u2028 €", '{"seq":9}', "\\n", "five"]
    ends = [0]
    for text in texts:
        journal.append(e.Noticed(text=text), 1.0)
        ends.append(path.stat().st_size)
    journal.close()
    data = path.read_bytes()
    for size in range(len(data) + 1):
        whole = sum(end <= size for end in ends) - 1
        path.write_bytes(data[:size] + rest)
        assert noticed(path) == texts[:whole], size
        again = Journal(path)
        assert again.append(e.Noticed(text="new"), 1.0).seq == whole + 1, size
        again.close()
        unread: list[Unread] = []
        assert [one.seq for one in read_journal(path, unread=unread)] == list(range(1, whole + 2)), size
        assert not unread


@pytest.mark.parametrize("recorded", RUNS, ids=lambda path: path.stem)
def test_a_journal_that_grew_too_large_folds_to_the_same_run_without_what_was_replaced(
    recorded: Path, tmp_path: Path
) -> None:
    path = tmp_path / "journal.jsonl"
    path.write_bytes(recorded.read_bytes())
    told = list(read_journal(path))
    journal = Journal(path, room=60_000)
    for _ in range(3):
        for one in told[:-1]:
            journal.append(one.event, one.at)
    last = journal.append(told[-1].event, told[-1].at)
    journal.close()
    assert path.stat().st_size < recorded.stat().st_size + 60_000
    assert path.stat().st_mode & 0o777 == 0o600
    assert [one.name for one in tmp_path.iterdir()] == ["journal.jsonl"]
    stamps = [one.seq for one in read_journal(path)]
    assert stamps == sorted(set(stamps)) and stamps[-1] == last.seq
    events = [*told, *(msgspec.structs.replace(one) for _ in range(3) for one in told[:-1]), told[-1]]
    whole = fold(e.Stamped(number, one.at, one.event) for number, one in enumerate(events, 1))
    assert fold(read_journal(path)) == whole


@with_limits(max_examples=30, deadline=None)
@given(st.data())
def test_compacted_after_any_event_it_is_the_same_run(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    told = list(read_journal(data.draw(st.sampled_from(RUNS))))
    again = data.draw(st.lists(st.sampled_from(told), max_size=30))
    path = tmp_path_factory.mktemp("journal") / "journal.jsonl"
    journal = Journal(path, room=data.draw(st.integers(1, 200_000)))
    stamped = [journal.append(one.event, one.at) for one in (*told, *again)]
    journal.close()
    assert fold(read_journal(path)) == fold(stamped)


def test_where_there_is_no_room_for_the_copy_all_of_it_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr("modelcar_tui.supervisor.compacting.write_private", full)
    path = tmp_path / "journal.jsonl"
    journal = Journal(path, room=10)
    for text in ("one", "two", "three"):
        journal.append(e.Noticed(text=text), 1.0)
    journal.close()
    assert noticed(path) == ["one", "two", "three"]


def test_a_copy_that_can_t_be_opened_takes_no_event_until_it_can(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "journal.jsonl"
    journal = Journal(path, room=1)
    journal.append(e.Noticed(text="one"), 1.0)

    def no_descriptor(*_: object) -> int:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    with monkeypatch.context() as patched:
        patched.setattr("modelcar_tui.supervisor.journal.open_regular", no_descriptor)
        with pytest.raises(OSError, match="Too many open files"):
            for done in range(20):
                journal.append(QaProgressed(done=done), 1.0)
    written = journal.seq
    journal.append(e.Noticed(text="two"), 1.0)
    journal.close()
    assert written < 10 and [one.seq for one in read_journal(path)][-1] == written + 1
    assert noticed(path) == ["one", "two"]


def test_lines_that_can_t_be_read_stay_when_it_is_compacted(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    path.write_bytes(b"".join((*HARM.values(), *NEWER.values())))
    journal = Journal(path, room=10)
    for number in range(1500):
        step = e.StepChanged(specialist="qa", step="pull", status=e.Status.RUNNING, detail=str(number))
        journal.append(step, 1.0)
    journal.close()
    assert path.read_bytes().startswith(b"".join((*HARM.values(), *NEWER.values())))
    details = [one.event.detail for one in read_journal(path) if isinstance(one.event, e.StepChanged)]
    assert details[-1] == "1499" and len(details) < 1000


def test_what_a_newer_release_wrote_replaces_nothing_that_this_one_reads(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    journal = Journal(path)
    journal.append(e.StepChanged(specialist="qa", step="ready", status=e.Status.DONE), 1.0)
    journal.close()
    known = path.read_bytes()
    newer = known.replace(b'"done"', b'"halfway"').replace(b'"seq":1', b'"seq":2')
    path.write_bytes(known + newer)
    journal = Journal(path, room=1)
    journal.append(e.Noticed(text="x", status=e.Status.DONE), 2.0)
    journal.close()
    assert path.read_bytes().startswith(known + newer)
    assert [type(one.event) for one in read_journal(path)] == [e.StepChanged, e.Noticed]
