"""A run and the file that another hand wrote where it would write: asked, refused, kept, resumed."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from modelcar_tui.core.exit_codes import ExitStatus
from modelcar_tui.manifest.plan import Decision
from modelcar_tui.report.data import envelope
from modelcar_tui.report.text import plain
from modelcar_tui.supervisor import events as e
from modelcar_tui.supervisor.journal import read_journal
from modelcar_tui.supervisor.previewing import preview
from modelcar_tui.supervisor.settings import Approve
from modelcar_tui.supervisor.specialist import Context
from modelcar_tui.supervisor.specialists.qa import Qa
from modelcar_tui.supervisor.state import fold
from modelcar_tui.supervisor.supervisor import Supervisor

sys.path.insert(0, str(Path(__file__).parent))
from team import MANIFEST, fake_team

HERE = Path(__file__).parent
MINE = "# precious\n"
WANTED = MANIFEST.replace("4096", "2048")


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    path = tmp_path / "x.base.yaml"
    path.write_text(MANIFEST)
    return path


@pytest.fixture
def target(tmp_path: Path) -> Path:
    path = tmp_path / "x.generated.yaml"
    path.write_text(MINE)
    return path


async def drive(manifest: Path, tmp_path: Path, answer=None, **options) -> Supervisor:
    supervisor = Supervisor(manifest, specialists=fake_team(), state_dir=str(tmp_path / "state"), **options)
    async for stamped in supervisor.run():
        if isinstance(stamped.event, e.ApprovalRequested) and answer is not None:
            supervisor.answer(answer(supervisor))
    return supervisor


def accept_all(supervisor: Supervisor) -> Decision:
    plan = supervisor.state.decision.plan
    return Decision(plan_digest=plan.digest, accepted=tuple(c.id for c in plan.changes), write=True, who="me")


def accept_as_shown(supervisor: Supervisor) -> Decision:
    """As the dashboard answers: what the preview showed may be replaced."""
    decision = accept_all(supervisor)
    shown = preview(supervisor.state, decision, patch=supervisor.settings.patch)
    assert not shown.problems
    return msgspec.structs.replace(decision, replaces=tuple(each.fingerprint for each in shown.replaces))


async def test_an_answer_that_was_shown_nothing_replaces_nothing(
    manifest: Path, target: Path, tmp_path: Path
) -> None:
    state = (await drive(manifest, tmp_path, accept_all)).state
    assert state.finish.exit_status == ExitStatus.USAGE
    assert "--force replaces it and keeps a copy" in state.finish.summary
    assert state.written is None and str(target) in state.kept
    assert target.read_text() == MINE


async def test_what_the_review_showed_is_replaced_and_every_face_says_where_the_copy_is(
    manifest: Path, target: Path, tmp_path: Path
) -> None:
    supervisor = await drive(manifest, tmp_path, accept_as_shown)
    state = supervisor.state
    assert state.finish.exit_status == ExitStatus.GO
    assert target.read_text() == WANTED
    (replaced,) = state.written.replaced
    copy = supervisor.folder / "replaced" / target.name
    assert replaced.copy == str(copy) and copy.read_text() == MINE
    line = next(line for line in plain(state).splitlines() if str(copy) in line)
    assert line.startswith("- x.generated.yaml replaces what was written 2")
    assert envelope(state)["run"]["written"]["replaced"][0]["copy"] == str(copy)
    assert fold(read_journal(supervisor.folder / "journal.jsonl")) == state


async def test_a_file_that_changes_after_the_answer_is_not_lost(
    manifest: Path, target: Path, tmp_path: Path
) -> None:
    def meddled(supervisor: Supervisor) -> Decision:
        decision = accept_as_shown(supervisor)
        target.write_text(MINE * 2)
        return decision

    supervisor = await drive(manifest, tmp_path, meddled)
    assert supervisor.state.finish.exit_status == ExitStatus.USAGE
    assert "it changed since you were asked" in supervisor.state.kept
    assert target.read_text() == MINE * 2
    assert (supervisor.folder / "not-written" / target.name).read_text() == WANTED


@pytest.mark.parametrize("force", [False, True])
async def test_a_run_without_a_screen_replaces_only_by_force(
    manifest: Path, target: Path, tmp_path: Path, force: bool
) -> None:
    state = (await drive(manifest, tmp_path, approve=Approve.ALL, force=force)).state
    assert state.finish.exit_status == (ExitStatus.GO if force else ExitStatus.USAGE)
    assert target.read_text() == (WANTED if force else MINE)


async def test_the_very_bytes_need_no_question(manifest: Path, target: Path, tmp_path: Path) -> None:
    target.write_text(WANTED)
    inode = target.stat().st_ino
    state = (await drive(manifest, tmp_path, approve=Approve.ALL)).state
    assert state.finish.exit_status == ExitStatus.GO
    assert state.written.replaced == () and target.stat().st_ino == inode


async def test_the_review_says_that_a_patch_is_there_only_where_one_is_written(
    manifest: Path, tmp_path: Path
) -> None:
    patch = tmp_path / "x.generated.yaml.patch"
    patch.write_text(MINE)
    seen: list[int] = []

    def look(supervisor: Supervisor) -> Decision:
        seen.extend(
            len(preview(supervisor.state, accept_all(supervisor), patch=wanted).replaces)
            for wanted in (False, True)
        )
        return accept_as_shown(supervisor)

    state = (await drive(manifest, tmp_path, look, patch=True)).state
    assert seen == [0, 1]
    assert Path(state.written.replaced[0].copy).read_text() == MINE


async def test_a_folder_in_the_way_is_said_in_the_review(manifest: Path, tmp_path: Path) -> None:
    (tmp_path / "x.generated.yaml").mkdir()

    def look(supervisor: Supervisor) -> Decision:
        (problem,) = preview(supervisor.state, accept_all(supervisor)).problems
        assert str(problem) == "x.generated.yaml: a folder of this name is in the way; move it away"
        return accept_all(supervisor)

    assert (await drive(manifest, tmp_path, look)).state.finish.exit_status == ExitStatus.USAGE


@pytest.mark.parametrize("kind", ["folder", "pipe", "link to a device"])
async def test_what_is_in_the_way_of_the_patch_stops_both_and_the_report_says_so(
    manifest: Path, tmp_path: Path, kind: str
) -> None:
    patch = tmp_path / "x.generated.yaml.patch"
    make = {
        "folder": patch.mkdir,
        "pipe": lambda: os.mkfifo(patch),
        "link to a device": lambda: patch.symlink_to("/dev/null"),
    }
    make[kind]()
    state = (await drive(manifest, tmp_path, approve=Approve.ALL, force=True, patch=True)).state
    assert state.finish.exit_status == ExitStatus.USAGE
    told = plain(state)
    assert "Nothing was written" in told and "neither it nor x.generated.yaml is written" in told
    assert not (tmp_path / "x.generated.yaml").exists()


async def test_a_patch_that_fails_after_the_manifest_is_no_word_of_nothing_written(
    manifest: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from modelcar_tui.manifest import write

    real = write.write_atomic

    def full(path: Path, data: bytes, **how: Any) -> None:
        if path.suffix == ".patch":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(path, data, **how)

    monkeypatch.setattr(write, "write_atomic", full)
    state = (await drive(manifest, tmp_path, approve=Approve.ALL, patch=True)).state
    assert state.finish.exit_status == ExitStatus.USAGE
    assert "the patch is not written (the disk is full), but x.generated.yaml is" in state.finish.summary
    told = plain(state)
    assert f"Written: {tmp_path / 'x.generated.yaml'}" in told and "Nothing was written" not in told


async def test_a_manifest_that_was_not_written_is_not_tested(
    manifest: Path, target: Path, tmp_path: Path
) -> None:
    """The file that stands there is another hand's: the suite must not be run over it."""

    class RealQa(Qa):
        async def run(self, context: Context):
            self.skip = await self._skip(context)
            return self._skipped(context, self.skip)

    qa = RealQa()
    team = (*(member for member in fake_team() if member.name != "qa"), qa)
    supervisor = Supervisor(
        manifest,
        specialists=team,
        state_dir=str(tmp_path / "state"),
        approve=Approve.ALL,
        qa_recording=str(tmp_path),
    )
    async for _ in supervisor.run():
        pass
    assert supervisor.state.qa.outcome.code == "QA_SKIPPED:NOT_WRITTEN"
    assert supervisor.state.finish.exit_status == ExitStatus.USAGE


DIES = """
import asyncio, os, signal, sys
from pathlib import Path
from typing import Any
sys.path.insert(0, sys.argv[1])
from team import fake_team
from modelcar_tui.supervisor import events as e
from modelcar_tui.supervisor.settings import Approve
from modelcar_tui.supervisor.supervisor import Supervisor

class Dies(Supervisor):
    def emit(self, event):
        if isinstance(event, getattr(e, sys.argv[4])):
            os.kill(os.getpid(), signal.SIGKILL)
        super().emit(event)

async def main():
    force = sys.argv[4] == "ManifestWritten"
    run = Dies(sys.argv[2], specialists=fake_team(), state_dir=sys.argv[3], approve=Approve.ALL, force=force)
    async for _ in run.run():
        pass

asyncio.run(main())
"""


@pytest.mark.parametrize("there", [True, False])
async def test_a_run_killed_between_the_write_and_its_event_ends_without_a_question(
    manifest: Path, tmp_path: Path, there: bool
) -> None:
    target = tmp_path / "x.generated.yaml"
    if there:
        target.write_text(MINE)
    command = [sys.executable, "-c", DIES, HERE, manifest, tmp_path / "state", "ManifestWritten"]
    assert subprocess.run(command, timeout=60, check=False).returncode == -9
    assert target.read_text() == WANTED
    (folder,) = (tmp_path / "state" / "runs").iterdir()
    second = Supervisor(manifest, specialists=fake_team(), resume=folder)
    async for _ in second.run():
        pass
    assert second.state.finish.exit_status == ExitStatus.GO
    copies = [replaced.copy for replaced in second.state.written.replaced]
    assert copies == ([str(folder / "replaced" / target.name)] if there else [])
    assert all(Path(copy).read_text() == MINE for copy in copies)


@pytest.mark.parametrize("dies_at", ["ApprovalRequested", "ApprovalGiven", "ManifestKept"])
@pytest.mark.parametrize("force", [True, False])
async def test_force_counts_for_a_run_that_is_resumed_with_it(
    manifest: Path, target: Path, tmp_path: Path, dies_at: str, force: bool
) -> None:
    command = [sys.executable, "-c", DIES, HERE, manifest, tmp_path / "state", dies_at]
    assert subprocess.run(command, timeout=60, check=False).returncode == -9
    assert target.read_text() == MINE
    (folder,) = (tmp_path / "state" / "runs").iterdir()
    second = Supervisor("", specialists=fake_team(), resume=folder, force=force)
    async for _ in second.run():
        pass
    assert second.settings.manifest == str(manifest) and second.settings.approve is Approve.ALL
    assert target.read_text() == (WANTED if force else MINE)
    assert second.state.finish.exit_status == (ExitStatus.GO if force else ExitStatus.USAGE)
    if force:
        (replaced,) = second.state.written.replaced
        assert Path(replaced.copy).read_text() == MINE


async def test_a_resumed_run_asks_no_language_model_when_told_so(manifest: Path, tmp_path: Path) -> None:
    first = await drive(
        manifest, tmp_path, approve=Approve.SHOW, model="openai:x", model_url="http://127.0.0.1:9/v1"
    )
    second = Supervisor("", specialists=fake_team(), resume=first.folder, llm=False)
    async for _ in second.run():
        pass
    assert second.was_finished and second.settings.llm is False and second.settings.model == "openai:x"
