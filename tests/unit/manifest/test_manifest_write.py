"""Writing the generated manifest: whole or not at all, never over the base, nothing lost."""

from __future__ import annotations

import hashlib
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from modelcar_tui.core.errors import UserError
from modelcar_tui.manifest.keeping import Keeping
from modelcar_tui.manifest.plan import ANYTHING, Change, Decision, Operation, Plan
from modelcar_tui.manifest.planfile import PlanFile, load_plan, save_plan
from modelcar_tui.manifest.reader import read_manifest
from modelcar_tui.manifest.records import records_of
from modelcar_tui.manifest.write import target_path, write_generated
from support.ordinary import ordinary_user

BASE = b"""model-car:
  - name: a  # keep me
    image: oci://r/a:1
    serving_arguments:
      args: [--max-model-len=2048]
"""
WANTED = BASE.replace(b"2048", b"1024")


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
    return Plan(
        base=str(base),
        base_sha256=hashlib.sha256(BASE).hexdigest(),
        target=str(target_path(base)),
        changes=(change,),
    )


def accept_all(plan: Plan) -> Decision:
    ids = tuple(change.id for change in plan.changes)
    return Decision(plan_digest=plan.digest, accepted=ids, write=True)


def force_all(plan: Plan) -> Decision:
    return msgspec.structs.replace(accept_all(plan), replaces=(ANYTHING,))


def keeping(folder: Path) -> Keeping:
    return Keeping(copies=folder / "state" / "replaced", records=folder / "state" / "written.jsonl", run="r")


def refusal(plan: Plan, decision: Decision, fallback: Path | None = None) -> tuple[str, str]:
    with pytest.raises(UserError) as caught:
        write_generated(plan, decision, fallback=fallback)
    return caught.value.problems[0].code, str(caught.value)


@pytest.mark.parametrize(
    ("base", "target"),
    [
        ("m.base.yaml", "m.generated.yaml"),
        ("m.yaml", "m.generated.yaml"),
        ("m.yml", "m.generated.yml"),
        ("m.base.yml", "m.generated.yml"),
        ("m.generated.yaml", "m.generated.again.generated.yaml"),
        ("manifest", "manifest.generated.yaml"),
        ("a.b.base.yaml", "a.b.generated.yaml"),
    ],
)
def test_the_target_lies_beside_the_base(tmp_path: Path, base: str, target: str) -> None:
    assert target_path(tmp_path / base) == tmp_path / target


def test_what_was_accepted_is_written_and_the_base_is_untouched(tmp_path: Path) -> None:
    plan = plan_of(tmp_path)
    done = write_generated(plan, accept_all(plan), patch=True)
    path = done.path
    assert path.read_bytes() == WANTED
    assert done.sha256 == hashlib.sha256(WANTED).hexdigest() == read_manifest(path).sha256
    assert Path(plan.base).read_bytes() == BASE
    patch = (
        subprocess.run(
            ["patch", "--dry-run", "-o", "-", plan.base, f"{path}.patch"], capture_output=True, check=False
        )
        if _has_patch()
        else None
    )
    assert patch is None or patch.returncode == 0, patch.stderr
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "m.base.yaml",
        "m.generated.yaml",
        "m.generated.yaml.patch",
    ]


def _has_patch() -> bool:
    from shutil import which

    return which("patch") is not None


def test_writing_twice_changes_nothing_and_keeps_the_mode(tmp_path: Path) -> None:
    plan = plan_of(tmp_path)
    first = write_generated(plan, accept_all(plan))
    path = first.path
    path.chmod(0o640)
    inode = path.stat().st_ino
    assert write_generated(plan, accept_all(plan)) == first
    assert path.stat().st_ino == inode
    path.write_bytes(b"older")
    write_generated(plan, force_all(plan), keeping=keeping(tmp_path))
    assert path.read_bytes() == WANTED
    assert path.stat().st_mode & 0o777 == 0o640


def test_a_base_changed_meanwhile_is_refused(tmp_path: Path) -> None:
    plan = plan_of(tmp_path)
    Path(plan.base).write_bytes(BASE + b"# later\n")
    code, line = refusal(plan, accept_all(plan))
    assert code == "plan-stale"
    assert "changed since" in line
    assert not Path(plan.target).exists()


def test_a_base_that_is_gone_is_refused(tmp_path: Path) -> None:
    plan = plan_of(tmp_path)
    Path(plan.base).unlink()
    assert refusal(plan, accept_all(plan))[0] == "file-missing"


def test_answers_to_other_plans_and_rejections_write_nothing(tmp_path: Path) -> None:
    plan = plan_of(tmp_path)
    assert refusal(plan, Decision(plan_digest="other", write=True))[0] == "plan-other"
    assert refusal(plan, Decision(plan_digest=plan.digest, write=False))[0] == "plan-rejected"
    unknown = Decision(plan_digest=plan.digest, accepted=("none",), write=True)
    assert refusal(plan, unknown)[0] == "change-unknown"
    assert not Path(plan.target).exists()


@pytest.mark.parametrize("value", ["", "  ", "--x\n--y", "--x=\u202e", "--x=\x1b[2J", "x" * 5000])
def test_edited_values_that_hide_something_are_refused(tmp_path: Path, value: str) -> None:
    plan = plan_of(tmp_path)
    decision = msgspec.structs.replace(accept_all(plan), edited={"a/--max-model-len": value})
    assert refusal(plan, decision)[0] == "bad-value"


@pytest.mark.parametrize("link", ["symlink", "hardlink"])
def test_a_target_that_is_the_base_is_refused(tmp_path: Path, link: str) -> None:
    plan = plan_of(tmp_path)
    if link == "symlink":
        Path(plan.target).symlink_to(plan.base)
    else:
        os.link(plan.base, plan.target)
    assert refusal(plan, accept_all(plan))[0] == "target-is-base"
    assert Path(plan.base).read_bytes() == BASE


def test_a_symlink_elsewhere_is_replaced_not_followed(tmp_path: Path) -> None:
    plan = plan_of(tmp_path)
    other = tmp_path / "precious"
    other.write_bytes(b"precious")
    Path(plan.target).symlink_to(other)
    write_generated(plan, force_all(plan), keeping=keeping(tmp_path))
    assert other.read_bytes() == b"precious"
    assert Path(plan.target).read_bytes() == WANTED


def test_a_read_only_folder_keeps_the_content_elsewhere(tmp_path: Path) -> None:
    folder, kept = tmp_path / "ro", tmp_path / "kept"
    folder.mkdir()
    kept.mkdir()
    kept.chmod(0o777)
    plan = plan_of(folder)
    folder.chmod(0o555)
    with ordinary_user(folder):
        code, line = refusal(plan, accept_all(plan), kept / "own")
        bare = refusal(plan, accept_all(plan))[1]
    assert code == "not-written"
    assert "permission denied" in line
    assert str(kept / "own" / "m.generated.yaml") in line
    assert (kept / "own" / "m.generated.yaml").read_bytes() == WANTED
    assert (kept / "own").stat().st_mode & 0o777 == 0o700
    assert "nothing was changed" in bare
    assert [path.name for path in folder.iterdir()] == ["m.base.yaml"]


def test_a_folder_in_the_way(tmp_path: Path) -> None:
    plan = plan_of(tmp_path)
    Path(plan.target).mkdir()
    code, line = refusal(plan, accept_all(plan), tmp_path / "kept")
    assert code == "not-written"
    assert "folder of this name" in line
    assert (tmp_path / "kept" / "m.generated.yaml").read_bytes() == WANTED


def test_a_write_that_ends_in_a_kill_has_its_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without it the next run would take this one's file for another hand's."""
    real = os.link

    def link(*args: Any, **more: Any) -> None:
        real(*args, **more)
        raise KeyboardInterrupt

    plan, kept = plan_of(tmp_path), keeping(tmp_path)
    monkeypatch.setattr(os, "link", link)
    with pytest.raises(KeyboardInterrupt):
        write_generated(plan, accept_all(plan), keeping=kept)
    assert [one.run for one in records_of(kept.records, Path(plan.target))] == ["r"]


FULL_DISK = """
import sys, msgspec
from pathlib import Path
from modelcar_tui.core.errors import UserError
from modelcar_tui.manifest.keeping import Keeping
from modelcar_tui.manifest.plan import ANYTHING, Decision, Plan
from modelcar_tui.manifest.write import write_generated
plan = msgspec.json.decode(sys.stdin.buffer.read(), type=Plan)
ids = tuple(c.id for c in plan.changes)
decision = Decision(plan_digest=plan.digest, accepted=ids, write=True, replaces=(ANYTHING,))
state = Path(sys.argv[1])
try:
    keeping = Keeping(copies=state / "replaced", records=state / "written.jsonl")
    write_generated(plan, decision, keeping=keeping)
except UserError as error:
    print(error)
else:
    print("written")
"""


def test_a_full_disk_leaves_the_old_file_whole(tmp_path: Path) -> None:
    """A limit on the file size stops the write in the middle, as a full disk does."""
    plan = plan_of(tmp_path)
    Path(plan.target).write_bytes(b"old")

    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (16, 16))

    state = tmp_path / "state"
    command = [sys.executable, "-c", FULL_DISK, state]
    done = subprocess.run(
        command, input=msgspec.json.encode(plan), capture_output=True, check=True, preexec_fn=limit
    )
    assert b"not written (the file size limit is reached)" in done.stdout
    assert Path(plan.target).read_bytes() == b"old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["m.base.yaml", "m.generated.yaml", "state"]
    assert (state / "replaced" / "m.generated.yaml").read_bytes() == b"old"


def test_what_is_in_the_way_of_the_patch_is_said_before_anything_is_written(tmp_path: Path) -> None:
    plan = plan_of(tmp_path)
    Path(plan.target + ".patch").mkdir()
    with pytest.raises(UserError) as caught:
        write_generated(plan, accept_all(plan), patch=True, fallback=tmp_path / "run")
    assert caught.value.problems[0].code == "not-written"
    assert "neither it nor m.generated.yaml is written" in str(caught.value)
    assert not Path(plan.target).exists()
    assert str(tmp_path / "run" / "m.generated.yaml") in str(caught.value)
    assert (tmp_path / "run" / "m.generated.yaml").read_bytes() == WANTED


FULL_LATER = """
import sys
from pathlib import Path
import msgspec
from modelcar_tui.manifest.plan import Decision, Plan
from modelcar_tui.manifest.write import write_generated

plan = msgspec.json.decode(sys.stdin.buffer.read(), type=Plan)
decision = Decision(plan_digest=plan.digest, accepted=tuple(c.id for c in plan.changes), write=True)
done = write_generated(plan, decision, patch=True)
print(done.path, done.lacking)
"""


def test_a_patch_that_finds_no_room_after_the_manifest_is_told_apart(tmp_path: Path) -> None:
    """The limit lets the manifest through: the patch is the longer file."""
    plan = plan_of(tmp_path)
    limit = len(WANTED)

    def full() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    done = subprocess.run(
        [sys.executable, "-c", FULL_LATER],
        input=msgspec.json.encode(plan),
        capture_output=True,
        check=True,
        preexec_fn=full,
    )
    said = done.stdout.decode()
    assert said.startswith(plan.target)
    assert "the patch is not written (the file size limit is reached), but m.generated.yaml is" in said
    assert Path(plan.target).read_bytes() == WANTED and not Path(plan.target + ".patch").exists()


@pytest.mark.parametrize("there", ["a file of all bits", "a link to a folder of all bits"])
def test_the_generated_file_takes_only_the_permissions_of_a_file(tmp_path: Path, there: str) -> None:
    plan = plan_of(tmp_path)
    target = Path(plan.target)
    if there == "a file of all bits":
        target.write_bytes(b"old")
        target.chmod(0o7751)
    else:
        (tmp_path / "open").mkdir()
        (tmp_path / "open").chmod(0o1777)
        target.symlink_to("open")
    write_generated(plan, force_all(plan), keeping=keeping(tmp_path))
    base = Path(plan.base).stat().st_mode & 0o777
    wanted = 0o600 | (base & 0o751 if there == "a file of all bits" else base)
    assert target.stat().st_mode & 0o7777 == wanted


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o644, 0o664, 0o400, 0o751])
@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_what_is_written_can_be_read_by_whom_the_base_can_be_read(
    tmp_path: Path, mode: int, umask: int
) -> None:
    plan = plan_of(tmp_path)
    Path(plan.base).chmod(mode)
    before = os.umask(umask)
    try:
        write_generated(plan, accept_all(plan), patch=True)
    finally:
        os.umask(before)
    for path in (plan.target, plan.target + ".patch"):
        assert Path(path).stat().st_mode & 0o7777 == mode | 0o600


def test_a_plan_survives_its_file(tmp_path: Path) -> None:
    plan = plan_of(tmp_path)
    path = tmp_path / "plan.json"
    save_plan(plan, path)
    assert load_plan(path) == plan
    assert load_plan(path).digest == plan.digest


def _relative(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Plan, Path]:
    """A plan as it is made in the folder of its base, and its file in another folder of the same tree."""
    tree = tmp_path / "tree"
    (tree / "plans").mkdir(parents=True)
    plan = plan_of(tree)
    monkeypatch.chdir(tree)
    plan = msgspec.structs.replace(plan, base=Path(plan.base).name, target=Path(plan.target).name)
    save_plan(plan, Path("plans/plan.json"))
    return plan, tree


def test_a_plan_with_relative_paths_applies_from_any_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan, tree = _relative(tmp_path, monkeypatch)
    monkeypatch.chdir("/")
    found = load_plan(tree / "plans" / "plan.json")
    assert (found.base, found.target) == (str(tree / plan.base), str(tree / plan.target))
    assert write_generated(found, force_all(found), keeping=keeping(tmp_path)).path == tree / plan.target


def test_a_plan_is_found_again_in_a_tree_that_was_moved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan, tree = _relative(tmp_path, monkeypatch)
    monkeypatch.chdir("/")
    moved = tree.rename(tmp_path / "moved")
    found = load_plan(moved / "plans" / "plan.json")
    assert Path(found.base).samefile(moved / plan.base)
    assert Path(found.target).parent.samefile(moved) and Path(found.target).name == plan.target
    (moved / "plans" / "plan.json").rename(moved / "plan.json")
    assert Path(load_plan(moved / "plan.json").base).samefile(moved / plan.base), "beside the plan file"
    (moved / plan.base).write_bytes(BASE + b"\n")
    assert _plan_refusal(moved / "plan.json") == "file-missing", "other bytes are another base"


def test_how_far_a_base_lies_can_not_be_changed_by_hand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan, tree = _relative(tmp_path, monkeypatch)
    path = tree / "plans" / "plan.json"
    other = tmp_path / "other.base.yaml"
    other.write_bytes((tree / plan.base).read_bytes())
    text = path.read_text()
    assert f'"beside": "../{plan.base}"' in text
    path.write_text(text.replace(f'"../{plan.base}"', '"../../other.base.yaml"'))
    assert _plan_refusal(path) == "plan-edited"


def test_a_plan_file_of_before_is_still_read(tmp_path: Path) -> None:
    plan, path = plan_of(tmp_path), tmp_path / "plan.json"
    path.write_bytes(msgspec.json.encode(PlanFile(digest=plan.digest, plan=plan)))
    assert load_plan(path) == plan


def _plan_refusal(path: Path) -> str:
    with pytest.raises(UserError) as caught:
        load_plan(path)
    assert str(caught.value).isprintable()
    return caught.value.problems[0].code


def test_plan_files_that_are_refused(tmp_path: Path) -> None:
    plan = plan_of(tmp_path)
    path = tmp_path / "plan.json"
    save_plan(plan, path)
    good = path.read_bytes()
    assert _plan_refusal(tmp_path / "none.json") == "file-missing"
    for bad in (
        b"",
        b"[]",
        b"{",
        b"\xff\xfe",
        b"{}",
        good.replace(b'"version": 1', b'"version": 2'),
        good.replace(b'"version": 1', b'"version": 1, "more": 2'),
        b"[" * 100_000,
    ):
        path.write_bytes(bad)
        assert _plan_refusal(path) == "plan-format"
    path.write_bytes(good.replace(b"len=1024", b"len=9999"))
    assert _plan_refusal(path) == "plan-edited"
    save_plan(msgspec.structs.replace(plan, target=str(tmp_path / "elsewhere.yaml")), path)
    assert _plan_refusal(path) == "plan-target"
    twice = msgspec.structs.replace(plan, changes=plan.changes * 2)
    save_plan(twice, path)
    assert _plan_refusal(path) == "plan-format"
    path.write_bytes(good)
    Path(plan.base).write_bytes(BASE + b"\n")
    assert _plan_refusal(path) == "plan-stale"


def test_a_plan_that_cannot_be_saved(tmp_path: Path) -> None:
    with pytest.raises(UserError) as caught:
        save_plan(plan_of(tmp_path), tmp_path / "no" / "plan.json")
    assert caught.value.problems[0].code == "plan-write"
