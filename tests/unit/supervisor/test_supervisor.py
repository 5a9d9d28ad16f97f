"""The graph, the approval and the resume, with the real LangGraph, journal and checkpoint."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import msgspec
import pytest

from modelcar_tui.core.errors import UserError
from modelcar_tui.core.exit_codes import ExitStatus
from modelcar_tui.manifest.plan import Decision
from modelcar_tui.supervisor import events as e
from modelcar_tui.supervisor.journal import read_journal
from modelcar_tui.supervisor.settings import Approve
from modelcar_tui.supervisor.specialist import Context
from modelcar_tui.supervisor.state import fold
from modelcar_tui.supervisor.supervisor import Supervisor
from modelcar_tui.verdict.reports import Verdict

sys.path.insert(0, str(Path(__file__).parent))
from team import MANIFEST, FakeDecision, Member, fake_team

DRIVE = Path(__file__).parent / "drive.py"


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    path = tmp_path / "x.base.yaml"
    path.write_text(MANIFEST)
    return path


async def drive(manifest: Path, tmp_path: Path, *, answer=None, specialists=None, **options) -> Supervisor:
    supervisor = Supervisor(
        manifest, specialists=specialists or fake_team(), state_dir=str(tmp_path), **options
    )
    async for stamped in supervisor.run():
        if isinstance(stamped.event, e.ApprovalRequested) and answer is not None:
            supervisor.answer(answer(supervisor))
    return supervisor


def accept_all(supervisor: Supervisor) -> Decision:
    plan = supervisor.state.decision.plan
    return Decision(plan_digest=plan.digest, accepted=tuple(c.id for c in plan.changes), write=True, who="me")


def ran(tmp_path: Path) -> Counter[str]:
    return Counter((tmp_path / "ran.txt").read_text().split())


async def test_approved_run_writes_beside_the_base_and_ends_go(manifest: Path, tmp_path: Path) -> None:
    before = manifest.read_bytes()
    supervisor = await drive(manifest, tmp_path, answer=accept_all)
    state = supervisor.state
    assert state.finish.exit_status == ExitStatus.GO
    assert manifest.read_bytes() == before
    assert (tmp_path / "x.generated.yaml").read_text() == MANIFEST.replace("4096", "2048")
    assert state.written.path == str(tmp_path / "x.generated.yaml")
    assert state == fold(read_journal(supervisor.folder / "journal.jsonl"))
    assert [pane.status for pane in state.panes] == [e.Status.DONE] * 4


async def test_configuration_and_accelerator_run_side_by_side(manifest: Path, tmp_path: Path) -> None:
    meeting = asyncio.Barrier(2)

    class Meets(Member):
        async def run(self, context: Context):
            async with asyncio.timeout(5):
                await meeting.wait()
            return await self.other.run(context)

    team = {member.name: member for member in fake_team()}
    pair = []
    for name in ("configuration", "accelerator"):
        member = Meets(name)
        member.other = team[name]
        pair.append(member)
    supervisor = await drive(
        manifest, tmp_path, answer=accept_all, specialists=(*pair, team["decision"], team["qa"])
    )
    assert supervisor.state.finish.exit_status == ExitStatus.GO


async def test_patch_and_the_operators_name_go_with_the_write(manifest: Path, tmp_path: Path) -> None:
    def unsigned(supervisor: Supervisor) -> Decision:
        return msgspec.structs.replace(accept_all(supervisor), who="")

    supervisor = await drive(manifest, tmp_path, answer=unsigned, patch=True, who="alice")
    (patch,) = tmp_path.glob("*.patch")
    assert "+" in patch.read_text()
    assert supervisor.state.approval.decision.who == "alice"


async def test_rejected_plan_writes_nothing_and_ends_with_5(manifest: Path, tmp_path: Path) -> None:
    def reject(supervisor: Supervisor) -> Decision:
        return Decision(plan_digest=supervisor.state.decision.plan.digest, who="me")

    supervisor = await drive(manifest, tmp_path, answer=reject)
    assert supervisor.state.finish.exit_status == ExitStatus.REJECTED
    assert sorted(path.name for path in tmp_path.glob("*.yaml")) == ["x.base.yaml"]


async def test_answer_to_another_plan_is_ignored(manifest: Path, tmp_path: Path) -> None:
    supervisor = Supervisor(manifest, specialists=fake_team(), state_dir=str(tmp_path))
    async for stamped in supervisor.run():
        if isinstance(stamped.event, e.ApprovalRequested):
            supervisor.answer(Decision(plan_digest="stale", accepted=("tiny/--max-model-len",), write=True))
        if isinstance(stamped.event, e.Noticed):
            assert not (tmp_path / "x.generated.yaml").exists()
            supervisor.answer(accept_all(supervisor))
    assert supervisor.state.approval.decision.who == "me"


async def test_base_changed_before_the_write_is_refused(manifest: Path, tmp_path: Path) -> None:
    def change_then_accept(supervisor: Supervisor) -> Decision:
        manifest.write_text(MANIFEST + "# somebody was here\n")
        return accept_all(supervisor)

    supervisor = await drive(manifest, tmp_path, answer=change_then_accept)
    assert supervisor.state.finish.exit_status == ExitStatus.USAGE
    assert not (tmp_path / "x.generated.yaml").exists()
    assert "x.base.yaml" in supervisor.state.kept


async def test_bad_manifest_ends_with_2_and_one_line(tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text("model-car: 5\n")
    supervisor = await drive(path, tmp_path)
    assert supervisor.state.finish.exit_status == ExitStatus.USAGE
    assert supervisor.state.finish.summary.startswith(f"{path}:1:12: ")


@pytest.mark.parametrize(("verdict", "status"), [(Verdict.NO_GO, 1), (Verdict.UNKNOWN, 8)])
async def test_verdict_decides_the_status(
    manifest: Path, tmp_path: Path, verdict: Verdict, status: int
) -> None:
    decision = FakeDecision("decision", ("configuration", "accelerator"))
    decision.verdict = verdict
    team = [member for member in fake_team() if member.name != "decision"]
    supervisor = await drive(manifest, tmp_path, specialists=(*team, decision), approve=Approve.SHOW)
    assert supervisor.state.finish.exit_status == status


async def test_crash_of_one_specialist_fails_its_pane_only(manifest: Path, tmp_path: Path) -> None:
    quoted = "b'Bearer sha256~something' \x1b]52;c;evil\x07"

    class Broken(Member):
        def work(self, context: Context):
            raise RuntimeError(quoted)

    supervisor = await drive(
        manifest, tmp_path, answer=accept_all, specialists=(*fake_team(), Broken("broken"))
    )
    pane = supervisor.state.pane("broken")
    assert pane.status is e.Status.FAILED
    assert pane.summary.startswith("RuntimeError in test_supervisor.py, line ")
    assert supervisor.state.finish.exit_status == ExitStatus.UNKNOWN
    others = [pane.status for pane in supervisor.state.panes if pane.name != "broken"]
    assert e.Status.FAILED not in others
    crash = (supervisor.folder / "crash.txt").read_text()
    assert "RuntimeError" in crash
    assert "test_supervisor.py" in crash
    assert "sha256~" not in crash + pane.summary + "".join(pane.lines)


async def test_added_specialist_gets_a_pane_and_the_reports_it_needs(manifest: Path, tmp_path: Path) -> None:
    class Licence(Member):
        def work(self, context: Context):
            assert context.has_report("qa")
            return super().work(context)

    extra = Licence("licence", ("qa",))
    supervisor = await drive(manifest, tmp_path, answer=accept_all, specialists=(*fake_team(), extra))
    assert supervisor.state.pane("licence").summary == "licence done"


def test_specialist_of_another_package_joins_by_entry_point(tmp_path: Path) -> None:
    (tmp_path / "other.py").write_text(
        "from modelcar_tui.supervisor.events import StepPlan\n"
        "class Licence:\n"
        "    name = 'licence'\n    title = 'Licence'\n"
        "    steps = (StepPlan('read', 'Read'),)\n    needs = ('configuration',)\n"
        "    async def run(self, context): ...\n"
    )
    info = tmp_path / "other-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: other\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[modelcar_tui.specialists]\nlicence = other:Licence\n")
    code = "from modelcar_tui.supervisor.registry import team; print([m.name for m in team()])"
    env = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['configuration', 'accelerator', 'decision', 'qa', 'licence']"


async def test_need_that_is_not_there_is_one_clear_line(manifest: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="'x' needs 'nobody', which is not there"):
        Supervisor(manifest, specialists=(Member("x", ("nobody",)),))


@pytest.mark.parametrize("where", ["configuration", "accelerator", "decision", "qa"])
def test_kill_9_in_any_specialist_then_resume(manifest: Path, tmp_path: Path, where: str) -> None:
    env = {**os.environ, "TEAM_HANG": where}
    with subprocess.Popen(
        [sys.executable, DRIVE, manifest, tmp_path], env=env, stdout=subprocess.PIPE
    ) as process:
        deadline = time.monotonic() + 60
        while not (tmp_path / "hanging").exists():
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
    (run,) = (tmp_path / "runs").iterdir()
    done = subprocess.run(
        [sys.executable, DRIVE, manifest, tmp_path, run],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == ExitStatus.GO, done.stderr
    counts = ran(tmp_path)
    assert counts.pop(where) == 2
    finished_before = {"configuration", "accelerator", "decision", "qa"} - {where}
    # The parallel sibling of a killed step may run again; nothing that was checkpointed does.
    sibling = {"configuration": "accelerator", "accelerator": "configuration"}.get(where)
    assert all(counts[name] == 1 for name in finished_before - {sibling})
    state = fold(read_journal(run / "journal.jsonl"))
    assert state.written is not None
    assert state.finish.exit_status == ExitStatus.GO
    seqs = [stamped.seq for stamped in read_journal(run / "journal.jsonl")]
    assert seqs == sorted(set(seqs))


async def test_resume_asks_again_when_the_question_was_open(manifest: Path, tmp_path: Path) -> None:
    first = Supervisor(manifest, specialists=fake_team(), state_dir=str(tmp_path))
    async for stamped in first.run():
        if isinstance(stamped.event, e.ApprovalRequested):
            first.cancel(detach=True)
    assert first.state.waiting_for_approval
    second = Supervisor(manifest, specialists=fake_team(), resume=first.folder)
    async for stamped in second.run():
        # The journal is told again first; only a live question can be answered.
        if isinstance(stamped.event, e.ApprovalRequested) and second.state.seq == stamped.seq:
            second.answer(accept_all(second))
    assert second.state.finish.exit_status == ExitStatus.GO
    assert ran(tmp_path) == Counter(["configuration", "accelerator", "decision", "qa"])


async def test_two_terminals_cannot_hold_one_run(manifest: Path, tmp_path: Path) -> None:
    first = Supervisor(manifest, specialists=fake_team(), state_dir=str(tmp_path))
    async for stamped in first.run():
        if isinstance(stamped.event, e.ApprovalRequested):
            second = Supervisor(manifest, specialists=fake_team(), resume=first.folder)
            with pytest.raises(UserError, match="open in another terminal"):
                await anext(second.run())
            first.answer(accept_all(first))


async def test_whole_run_limit(manifest: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEAM_HANG", "decision")
    supervisor = await drive(manifest, tmp_path, timeout_s=2.0)
    assert supervisor.state.finish.exit_status == ExitStatus.TIMED_OUT


async def test_files_are_private_and_hold_no_secret(
    manifest: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OCI_REGISTRY_PULL_SECRET", "dXNlcjpwbGFudGVkLXNlY3JldA==")

    class Leaky(Member):
        def work(self, context: Context):
            context.step("work", detail="secret is dXNlcjpwbGFudGVkLXNlY3JldA== or planted-secret")
            raise RuntimeError("planted-secret in an exception")

    supervisor = await drive(
        manifest, tmp_path, answer=accept_all, specialists=(*fake_team(), Leaky("leaky"))
    )
    folder = supervisor.folder
    assert folder.stat().st_mode & 0o777 == 0o700
    for path in folder.rglob("*"):
        if path.is_file():
            assert path.stat().st_mode & 0o077 == 0, path
            assert b"planted-secret" not in path.read_bytes(), path
            assert b"dXNlcjpwbGFudGVk" not in path.read_bytes(), path
    size = sum(path.stat().st_size for path in folder.glob("checkpoint.sqlite*"))
    assert 0 < size < 1_000_000


def test_checkpoint_is_a_database_of_plain_data(tmp_path: Path, manifest: Path) -> None:
    supervisor = asyncio.run(drive(manifest, tmp_path, answer=accept_all))
    with sqlite3.connect(supervisor.folder / "checkpoint.sqlite") as database:
        (count,) = database.execute("select count(*) from checkpoints").fetchone()
    assert count >= 6
    assert msgspec.json.decode((supervisor.folder / "settings.json").read_bytes())["manifest"] == str(
        manifest
    )
