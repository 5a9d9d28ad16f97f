"""Another hand's file is replaced only as it was shown, and a copy of it is kept."""

from __future__ import annotations

import errno
import hashlib
import os
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from modelcar_tui.core.errors import UserError
from modelcar_tui.core.files import write_atomic
from modelcar_tui.manifest import write as module
from modelcar_tui.manifest.keeping import Keeping
from modelcar_tui.manifest.plan import ANYTHING, Change, Decision, Operation, Plan
from modelcar_tui.manifest.planfile import check_output, put_plan, save_plan
from modelcar_tui.manifest.standing import Kind, Replaced, Standing, differing_lines, look_at
from modelcar_tui.manifest.write import Written, outputs, target_path, write_generated
from support.ordinary import ordinary_user

BASE = b"""model-car:
  - name: a
    image: oci://r/a:1
    serving_arguments:
      args: [--max-model-len=2048]
"""
WANTED = BASE.replace(b"2048", b"1024")
MINE = BASE + b"# precious\n"


def plan_of(folder: Path) -> Plan:
    base = folder / "m.base.yaml"
    base.write_bytes(BASE)
    change = Change(
        id="a/--max-model-len",
        model="a",
        operation=Operation.SET,
        flag="--max-model-len",
        old="--max-model-len=2048",
        new="--max-model-len=1024",
        reason="r",
    )
    sha256 = hashlib.sha256(BASE).hexdigest()
    return Plan(base=str(base), base_sha256=sha256, target=str(target_path(base)), changes=(change,))


def answer(plan: Plan, *replaces: str, value: str = "") -> Decision:
    ids = tuple(change.id for change in plan.changes)
    edited = {ids[0]: f"--max-model-len={value}"} if value else {}
    return Decision(
        plan_digest=plan.digest, accepted=ids, edited=edited, write=True, replaces=replaces or None
    )


def keeping(folder: Path, run: str = "run-1") -> Keeping:
    state = folder / "state"
    return Keeping(copies=state / "runs" / run / "replaced", records=state / "written.jsonl", run=run)


def shown(plan: Plan, keep: Keeping, *, patch: bool = False) -> Decision:
    """The answer of an operator who was shown what stands there."""
    found = outputs(BASE, plan, answer(plan), patch=patch, keeping=keep)
    prints = tuple(output.standing.fingerprint for output in found if output.standing.asks)
    return msgspec.structs.replace(answer(plan), replaces=prints)


def write(plan: Plan, decision: Decision, keep: Keeping, *, patch: bool = False) -> Written:
    return write_generated(
        plan, decision, patch=patch, keeping=keep, fallback=keep.copies.parent / "not-written"
    )


def void(value: object) -> None:
    """A function that is called for what it does."""


def refused(plan: Plan, decision: Decision, keep: Keeping, *, patch: bool = False) -> UserError:
    with pytest.raises(UserError) as caught:
        write(plan, decision, keep, patch=patch)
    assert all(str(problem).isprintable() for problem in caught.value.problems)
    return caught.value


def test_a_file_of_another_hand_is_not_replaced_unasked(tmp_path: Path) -> None:
    plan = plan_of(tmp_path)
    target = Path(plan.target)
    target.write_bytes(MINE)
    os.utime(target, (time.time() - 86_400 * 40,) * 2)
    at = time.strftime("%Y-%m-%d %H:%M", time.localtime(target.stat().st_mtime))
    error = refused(plan, answer(plan), keeping(tmp_path))
    assert error.problems[0].code == "target-exists"
    assert f"written {at} by no run known here, 2 lines differ (+1/-2)" in str(error)
    assert "--force replaces it and keeps a copy" in str(error)
    assert target.read_bytes() == MINE
    assert not (tmp_path / "state").exists(), "nothing at all is written"


def test_what_was_shown_is_replaced_and_its_copy_is_private_and_exact(tmp_path: Path) -> None:
    plan, keep = plan_of(tmp_path), keeping(tmp_path)
    target = Path(plan.target)
    target.write_bytes(MINE)
    os.utime(target, (1_700_000_000, 1_700_000_000))
    (replaced,) = write(plan, shown(plan, keep), keep).replaced
    copy = Path(replaced.copy)
    assert target.read_bytes() == WANTED
    assert copy == keep.copies / "m.generated.yaml" and copy.read_bytes() == MINE
    assert copy.stat().st_mode & 0o777 == 0o600 and keep.copies.stat().st_mode & 0o777 == 0o700
    assert replaced.at == copy.stat().st_mtime == 1_700_000_000
    assert "written 2023-11-1" in replaced.was


@pytest.mark.parametrize("first", [False, True])
def test_a_run_that_was_cut_off_behind_its_write_tells_what_it_replaced_as_if_it_was_not(
    first: bool, tmp_path: Path
) -> None:
    plan, keep = plan_of(tmp_path), keeping(tmp_path)
    if first:
        write(plan, answer(plan, value="512"), keep)
    Path(plan.target).write_bytes(MINE)
    done = write(plan, answer(plan, ANYTHING), keep)
    assert ("changed since run run-1" if first else "by no run known here") in done.replaced[0].was
    assert write(plan, answer(plan, ANYTHING), keep) == done


def _other_bytes(target: Path) -> None:
    target.write_bytes(MINE + b"# later\n")


def _read_only(target: Path) -> None:
    target.chmod(0o444)


def _link(target: Path) -> None:
    other = target.with_name("other")
    target.rename(other)
    target.symlink_to(other)


@pytest.mark.parametrize("meddle", [_other_bytes, _read_only, _link])
def test_what_changed_after_it_was_shown_is_left_as_it_is(
    tmp_path: Path, meddle: Callable[[Path], None]
) -> None:
    plan, keep = plan_of(tmp_path), keeping(tmp_path)
    target = Path(plan.target)
    target.write_bytes(MINE)
    decision = shown(plan, keep)
    meddle(target)
    there, link = target.read_bytes(), target.is_symlink()
    error = refused(plan, decision, keep)
    assert error.problems[0].code == "target-changed"
    assert "changed since you were asked" in str(error)
    kept = keep.copies.parent / "not-written" / "m.generated.yaml"
    assert str(kept) in str(error) and kept.read_bytes() == WANTED
    assert target.read_bytes() == there and target.is_symlink() is link


def test_a_file_that_came_after_nothing_was_shown_is_left_as_it_is(tmp_path: Path) -> None:
    plan, keep = plan_of(tmp_path), keeping(tmp_path)
    decision = shown(plan, keep)
    assert decision.replaces == ()
    Path(plan.target).write_bytes(MINE)
    assert refused(plan, decision, keep).problems[0].code == "target-changed"
    assert Path(plan.target).read_bytes() == MINE


def just_before(monkeypatch: pytest.MonkeyPatch, act: Callable[[Path], None]) -> None:
    """Let another hand act once after all was looked at and copied, before the replacement."""
    acts = [act]

    def write_then(path: Path, data: bytes, **how: Any) -> None:
        if acts:
            acts.pop()(path)
        write_atomic(path, data, **how)

    monkeypatch.setattr(module, "write_atomic", write_then)


@pytest.mark.parametrize("before", [None, MINE])
def test_a_change_in_the_last_moment_is_not_written_over(
    tmp_path: Path, before: bytes | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan, keep = plan_of(tmp_path), keeping(tmp_path)
    if before is not None:
        Path(plan.target).write_bytes(before)
    decision = shown(plan, keep)
    just_before(monkeypatch, lambda path: void(path.write_bytes(b"just now\n")))
    error = refused(plan, decision, keep)
    assert error.problems[0].code == "target-changed"
    assert Path(plan.target).read_bytes() == b"just now\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["m.base.yaml", "m.generated.yaml", "state"]


@pytest.mark.parametrize("before", [None, MINE])
def test_another_run_that_writes_the_very_bytes_at_once_has_done_it(
    tmp_path: Path, before: bytes | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan, keep = plan_of(tmp_path), keeping(tmp_path)
    if before is not None:
        Path(plan.target).write_bytes(before)
    other = keeping(tmp_path, "run-2")
    just_before(monkeypatch, lambda path: void(write(plan, shown(plan, other), other)))
    assert write(plan, shown(plan, keep), keep).path == Path(plan.target)
    assert Path(plan.target).read_bytes() == WANTED
    Path(plan.target).write_bytes(MINE)
    assert "changed since run run-2 wrote it" in str(refused(plan, answer(plan), keep)), "and that one alone"


def test_another_run_that_is_done_while_this_one_copies_has_done_it(tmp_path: Path) -> None:
    class Slow(Keeping, frozen=True, kw_only=True):
        def keep(self, standing: Standing) -> Replaced:
            write(plan, shown(plan, other), other)
            return super().keep(standing)

    plan, keep, other = plan_of(tmp_path), keeping(tmp_path), keeping(tmp_path, "run-2")
    Path(plan.target).write_bytes(MINE)
    slow = Slow(copies=keep.copies, records=keep.records, run=keep.run)
    assert write(plan, shown(plan, keep), slow).replaced == ()
    assert (other.copies / "m.generated.yaml").read_bytes() == MINE


def test_a_run_that_could_not_write_is_not_named_as_who_wrote_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    plan, keep = plan_of(tmp_path), keeping(tmp_path)
    Path(plan.target).write_bytes(MINE)
    just_before(monkeypatch, full)
    assert "the disk is full" in str(refused(plan, shown(plan, keep), keep))
    assert "by no run known here" in str(refused(plan, answer(plan), keeping(tmp_path, "run-2")))


def test_a_read_only_file_is_asked_about_even_where_this_run_wrote_it(tmp_path: Path) -> None:
    plan, keep = plan_of(tmp_path), keeping(tmp_path)
    target = write(plan, answer(plan), keep).path
    target.chmod(0o444)
    again = answer(plan, value="512")
    error = refused(plan, again, keep)
    assert error.problems[0].code == "target-exists" and "read-only" in str(error)
    assert target.read_bytes() == WANTED
    assert write(plan, answer(plan, ANYTHING, value="512"), keep).replaced
    assert b"=512" in target.read_bytes()


@pytest.mark.parametrize("there", ["file", "nothing", "folder"])
def test_a_link_is_replaced_only_when_asked_and_never_what_it_points_to(tmp_path: Path, there: str) -> None:
    plan, keep = plan_of(tmp_path), keeping(tmp_path)
    target, other = Path(plan.target), tmp_path / "other"
    if there == "file":
        other.write_bytes(MINE)
    elif there == "folder":
        other.mkdir()
    target.symlink_to("other")
    assert "a link to other" in str(refused(plan, answer(plan), keep))
    assert target.is_symlink()
    (replaced,) = write(plan, shown(plan, keep), keep).replaced
    assert not target.is_symlink() and target.read_bytes() == WANTED
    assert (keep.copies / "m.generated.yaml.link").read_bytes() == b"other\n"
    if there == "file":
        assert other.read_bytes() == MINE and Path(replaced.copy).read_bytes() == MINE
    else:
        assert replaced.copy.endswith(".link") and other.is_dir() is (there == "folder")


def test_a_link_whose_name_is_no_text_is_told_and_kept_exactly(tmp_path: Path) -> None:
    plan, keep = plan_of(tmp_path), keeping(tmp_path)
    os.symlink(b"../odd\xff name", os.fsencode(plan.target))
    assert "a link to ../odd\\xff name" in str(refused(plan, answer(plan), keep))
    (replaced,) = write(plan, shown(plan, keep), keep).replaced
    assert Path(replaced.copy).read_bytes() == b"../odd\xff name\n"
    assert msgspec.json.encode(replaced)


def test_a_link_to_the_very_bytes_is_left_as_it_is(tmp_path: Path) -> None:
    plan = plan_of(tmp_path)
    (tmp_path / "other").write_bytes(WANTED)
    Path(plan.target).symlink_to("other")
    assert write(plan, answer(plan), keeping(tmp_path)).replaced == ()
    assert Path(plan.target).is_symlink()


def test_the_patch_follows_the_same_rule_and_nothing_is_written_before_both_may_be(tmp_path: Path) -> None:
    plan, keep = plan_of(tmp_path), keeping(tmp_path)
    patch = Path(plan.target + ".patch")
    patch.write_bytes(b"my own patch\n")
    error = refused(plan, answer(plan), keep, patch=True)
    assert error.problems[0].where == str(patch)
    assert not Path(plan.target).exists() and patch.read_bytes() == b"my own patch\n"
    assert write(plan, answer(plan), keep).replaced == (), "without --patch it is nobody's business"
    (replaced,) = write(plan, shown(plan, keep, patch=True), keep, patch=True).replaced
    assert Path(replaced.copy).read_bytes() == b"my own patch\n"
    assert patch.read_bytes().startswith(b"--- m.base.yaml")


def test_two_files_in_the_way_are_two_lines(tmp_path: Path) -> None:
    plan = plan_of(tmp_path)
    for path in (plan.target, plan.target + ".patch"):
        Path(path).write_bytes(MINE)
    error = refused(plan, answer(plan), keeping(tmp_path), patch=True)
    assert [problem.where for problem in error.problems] == [plan.target, plan.target + ".patch"]


def test_the_same_run_writes_again_unasked_and_another_run_does_not(tmp_path: Path) -> None:
    plan, keep = plan_of(tmp_path), keeping(tmp_path)
    write(plan, answer(plan), keep, patch=True)
    assert write(plan, answer(plan), keeping(tmp_path, "run-2"), patch=True).replaced == (), "the very bytes"
    done = write(plan, answer(plan, value="512"), keep, patch=True)
    assert done.replaced == () and b"=512" in done.path.read_bytes()
    error = refused(plan, answer(plan), keeping(tmp_path, "run-2"))
    assert "by run run-1, 1 line differs (+1/-1)" in str(error)
    done.path.write_bytes(MINE)
    assert "changed since run run-1 wrote it" in str(refused(plan, answer(plan), keep))


def test_a_copy_never_replaces_another_and_is_not_made_twice(tmp_path: Path) -> None:
    plan, keep = plan_of(tmp_path), keeping(tmp_path)
    for text in (b"one\n", b"two\n", b"one\n"):
        Path(plan.target).write_bytes(text)
        write(plan, answer(plan, ANYTHING), keep)
    copies = {path.name: path.read_bytes() for path in keep.copies.iterdir()}
    assert copies == {"m.generated.yaml": b"one\n", "m.generated.yaml.2": b"two\n"}


def test_without_room_for_a_copy_nothing_is_replaced(tmp_path: Path) -> None:
    plan, keep = plan_of(tmp_path), keeping(tmp_path)
    Path(plan.target).write_bytes(MINE)
    (tmp_path / "state").write_bytes(b"a file where the folder should be")
    error = refused(plan, answer(plan, ANYTHING), keep)
    assert error.problems[0].code == "no-copy"
    assert Path(plan.target).read_bytes() == MINE


def test_a_file_that_can_not_be_read_is_not_replaced(tmp_path: Path) -> None:
    folder = tmp_path / "open"
    folder.mkdir()
    folder.chmod(0o777)
    plan, keep = plan_of(folder), keeping(folder)
    Path(plan.target).write_bytes(MINE)
    Path(plan.target).chmod(0)
    with ordinary_user(folder):
        error = refused(plan, answer(plan, ANYTHING), keep)
    assert "no copy of it can be kept" in str(error)
    assert Path(plan.target).read_bytes() == MINE or os.geteuid() != 0


@pytest.mark.parametrize("kind", ["pipe", "socket", "folder", "link to a device", "link to a pipe"])
def test_what_is_no_file_is_never_replaced(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan, keep = plan_of(tmp_path), keeping(tmp_path)
    target = Path(plan.target)
    if kind == "pipe":
        os.mkfifo(target)
    elif kind == "folder":
        target.mkdir()
    elif kind == "link to a device":
        target.symlink_to("/dev/null")
    elif kind == "link to a pipe":
        os.mkfifo(tmp_path / "pipe")
        target.symlink_to("pipe")
    else:
        with socket.socket(socket.AF_UNIX) as listener:
            monkeypatch.chdir(tmp_path)  # the path of a socket is short
            listener.bind(target.name)
    mode = target.lstat().st_mode
    error = refused(plan, answer(plan, ANYTHING), keep)
    assert "is in the way" in str(error) and "not-written" in str(error)
    assert ("a link to a device, pipe or socket" in str(error)) is kind.startswith("link")
    assert target.lstat().st_mode == mode
    with pytest.raises(UserError, match="is in the way"):
        check_output(target, Path(plan.base), force=True)


@pytest.mark.parametrize("kind", ["pipe", "pipe that is read", "device", "folder", "nothing but a link"])
def test_records_that_are_no_file_are_none(tmp_path: Path, kind: str) -> None:
    plan, keep = plan_of(tmp_path), keeping(tmp_path)
    keep.records.parent.mkdir()
    reader = -1
    if kind.startswith("pipe"):
        os.mkfifo(keep.records)
        reader = os.open(keep.records, os.O_RDONLY | os.O_NONBLOCK) if kind != "pipe" else -1
    elif kind == "device":
        keep.records.symlink_to("/dev/zero")
    elif kind == "folder":
        keep.records.mkdir()
    else:
        keep.records.symlink_to("nowhere/nothing")
    writer = threading.Thread(target=write, args=(plan, answer(plan), keep), daemon=True)
    writer.start()
    writer.join(20)
    assert not writer.is_alive() and Path(plan.target).read_bytes() == WANTED
    if reader >= 0:
        os.close(reader)


def test_a_pipe_among_the_copies_is_not_read(tmp_path: Path) -> None:
    plan, keep = plan_of(tmp_path), keeping(tmp_path)
    Path(plan.target).write_bytes(MINE)
    keep.copies.mkdir(parents=True)
    os.mkfifo(keep.copies / "m.generated.yaml")
    writer = threading.Thread(target=write, args=(plan, answer(plan, ANYTHING), keep), daemon=True)
    writer.start()
    writer.join(20)
    assert not writer.is_alive() and (keep.copies / "m.generated.yaml.2").read_bytes() == MINE


def test_copies_behind_a_link_leave_the_folder_there_its_mode(tmp_path: Path) -> None:
    plan, keep = plan_of(tmp_path), keeping(tmp_path)
    Path(plan.target).write_bytes(MINE)
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o755)
    keep.copies.parent.mkdir(parents=True)
    keep.copies.symlink_to(tmp_path / "open")
    write(plan, answer(plan, ANYTHING), keep)
    assert (tmp_path / "open").stat().st_mode & 0o777 == 0o755
    copy = tmp_path / "open" / "m.generated.yaml"
    assert copy.read_bytes() == MINE and copy.stat().st_mode & 0o777 == 0o600


def test_of_two_writers_at_once_only_one_writes(tmp_path: Path) -> None:
    for number in range(20):
        folder = tmp_path / str(number)
        folder.mkdir()
        plan = plan_of(folder)
        start = threading.Barrier(2)
        won: list[str] = []

        def race(
            value: str, plan: Plan = plan, start: threading.Barrier = start, won: list[str] = won
        ) -> None:
            start.wait()
            try:
                write(plan, answer(plan, value=value), keeping(Path(plan.base).parent, f"run-{value}"))
            except UserError:
                return
            won.append(value)

        threads = [threading.Thread(target=race, args=(value,)) for value in ("100", "200")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(won) == 1
        assert f"={won[0]}".encode() in Path(plan.target).read_bytes()


def test_an_answer_of_an_older_journal_replaces_nothing() -> None:
    old = msgspec.json.decode(b'{"plan_digest":"x","accepted":["a"],"write":true}', type=Decision)
    assert old.replaces is None


def test_differing_lines_are_counted_as_a_diff_shows_them() -> None:
    assert differing_lines(b"a\nb\nc\n", b"a\nB\nc\n") == (1, 1, 1)
    assert differing_lines(b"a\n", b"a\nb\n") == (1, 1, 0)
    assert differing_lines(b"", b"a\nb\n") == (2, 2, 0)
    assert differing_lines(b"a\r\n", b"a\n") == (1, 1, 1)
    began = time.monotonic()
    assert differing_lines(b"x\n" * 500_000, b"y\n" * 500_000) is None
    assert differing_lines(b"a\nb\n" * 900, b"b\nc\n" * 900) is not None
    assert time.monotonic() - began < 20


def test_a_name_from_outside_shows_no_invisible_sign(tmp_path: Path) -> None:
    target = tmp_path / "m.generated.yaml"
    target.symlink_to("a\u202eb\x1b[2J")
    told = look_at(target, b"x").told()
    assert "<U+202E>" in told and "<U+001B>" in told and told.isprintable()


def test_a_new_file_never_takes_the_place_of_another(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"there")
    with pytest.raises(FileExistsError):
        write_atomic(path, b"new", new=True)
    assert path.read_bytes() == b"there" and [each.name for each in tmp_path.iterdir()] == ["x"]


def test_a_plan_file_replaces_plans_but_nothing_else_unasked(tmp_path: Path) -> None:
    plan, keep = plan_of(tmp_path), keeping(tmp_path)
    path = tmp_path / "plan.json"
    assert put_plan(plan, path, keep) is None
    assert put_plan(msgspec.structs.replace(plan, changes=()), path, keep) is None, "a plan of ours"
    for there in (b'{"mine": 1}\n', b"", path.read_bytes().replace(b'"digest": "', b'"digest": "0')):
        path.write_bytes(there)
        if there:
            with pytest.raises(UserError, match="--force replaces it"):
                check_output(path, Path(plan.base))
    there = path.read_bytes()
    replaced = put_plan(plan, path, keep, force=True)
    assert replaced is not None and Path(replaced.copy).read_bytes() == there
    with pytest.raises(UserError, match="would overwrite the base"):
        put_plan(plan, Path(plan.base), keep, force=True)
    assert Path(plan.base).read_bytes() == BASE


def test_a_link_is_no_plan_file_of_ours(tmp_path: Path) -> None:
    plan, path = plan_of(tmp_path), tmp_path / "plan.json"
    save_plan(plan, tmp_path / "other.json")
    path.symlink_to("other.json")
    assert look_at(path, b"").kind is Kind.LINK
    with pytest.raises(UserError, match=r"a link to other\.json"):
        check_output(path, Path(plan.base))
