"""The summary at the end of a run: wherever the operator is, once, and over nothing that is typed."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from textual.pilot import Pilot

from modelcar_tui.manifest.plan import Decision
from modelcar_tui.qa.types import QaModelResult, QaOutcome
from modelcar_tui.supervisor import events as e
from modelcar_tui.tui.app import DashboardApp
from modelcar_tui.tui.screens.ask import AskScreen
from modelcar_tui.tui.screens.confirm import ConfirmDialog
from modelcar_tui.tui.screens.diff import DiffScreen
from modelcar_tui.tui.screens.finish import FinishDialog
from modelcar_tui.tui.screens.help import HelpScreen
from modelcar_tui.tui.screens.log import LogScreen
from modelcar_tui.tui.screens.palette import PaletteScreen
from modelcar_tui.tui.screens.quit import QuitDialog
from modelcar_tui.verdict.reports import Verdict
from pilot import support as s

BIG = "llama-3.3-70b-instruct-fp8-dynamic"
END = s.finished("", 0)[-1]


async def shown(app: DashboardApp, pilot: Pilot[int], kind: type, what: str) -> None:
    await s.wait_for(pilot, lambda: isinstance(app.screen, kind), what)
    await s.hears(app, pilot)


async def ended(app: DashboardApp, pilot: Pilot[int], engine: s.FakeEngine) -> None:
    engine.say(END)
    await s.wait_for(pilot, lambda: app.state.finish is not None, "the end is known")
    await pilot.pause(0.3)


@pytest.mark.parametrize(("key", "below"), [("l", LogScreen), ("question_mark", HelpScreen)])
async def test_it_comes_over_a_screen_that_is_only_read(key: str, below: type, tmp_path: Path) -> None:
    engine = s.FakeEngine(s.in_qa(s.spool(tmp_path, 5), 5))
    async with s.dashboard(engine) as (app, pilot):
        await pilot.press(key)
        await s.wait_for(pilot, lambda: isinstance(app.screen, below), "the screen")
        engine.say(END)
        await shown(app, pilot, FinishDialog, "the summary")
        await pilot.press("escape")
        await s.wait_for(pilot, lambda: isinstance(app.screen, below), "back where the operator was")
        await pilot.pause(0.3)
        assert isinstance(app.screen, below), "it comes once"


async def test_it_waits_for_a_line_that_is_typed(tmp_path: Path) -> None:
    engine = s.FakeEngine(s.in_qa(s.spool(tmp_path, 5), 5))
    async with s.dashboard(engine) as (app, pilot):
        await pilot.press("slash", "a")
        await s.wait_for(pilot, lambda: s.shows(app, "/ a"), "a filter is typed")
        await ended(app, pilot, engine)
        assert not isinstance(app.screen, FinishDialog)
        await pilot.press("b")
        await s.wait_for(pilot, lambda: s.shows(app, "/ ab"), "typing goes on")
        await pilot.press("enter")
        await shown(app, pilot, FinishDialog, "the summary, behind it")


@pytest.mark.parametrize(("key", "kind"), [("ctrl+p", PaletteScreen), ("a", AskScreen)])
async def test_it_comes_on_the_way_back_from_where_something_is_typed(
    key: str, kind: type, tmp_path: Path
) -> None:
    engine = s.FakeEngine(s.in_qa(s.spool(tmp_path, 5), 5))
    async with s.dashboard(engine) as (app, pilot):
        await pilot.press(key)
        await s.wait_for(pilot, lambda: isinstance(app.screen, kind), "the screen")
        await ended(app, pilot, engine)
        assert isinstance(app.screen, kind)
        await pilot.press("escape")
        await shown(app, pilot, FinishDialog, "the summary")


async def test_it_never_comes_over_the_typed_word() -> None:
    engine = s.FakeEngine(s.decided())
    async with s.dashboard(engine) as (app, pilot):
        await pilot.press("d")
        await shown(app, pilot, DiffScreen, "the review")
        app.push_screen(ConfirmDialog(app.face, "write", "Write?", (), ()))
        await s.wait_for(pilot, lambda: isinstance(app.screen, ConfirmDialog), "the typed word")
        await ended(app, pilot, engine)
        assert isinstance(app.screen, ConfirmDialog)
        app.screen.dismiss("")
        await s.wait_for(pilot, lambda: isinstance(app.screen, DiffScreen), "the review")
        await pilot.pause(0.3)
        assert isinstance(app.screen, DiffScreen)
        app.screen.dismiss()
        await shown(app, pilot, FinishDialog, "the summary")


async def test_the_question_about_a_run_that_goes_on_gives_way(tmp_path: Path) -> None:
    engine = s.FakeEngine(s.in_qa(s.spool(tmp_path, 5), 5))
    async with s.dashboard(engine) as (app, pilot):
        await pilot.press("q")
        await s.wait_for(pilot, lambda: isinstance(app.screen, QuitDialog), "the question")
        engine.say(END)
        await shown(app, pilot, FinishDialog, "the summary")
        assert not any(isinstance(screen, QuitDialog) for screen in app.screen_stack)
        assert "cancel" not in engine.calls


async def test_a_key_that_was_meant_for_the_screen_below_does_not_quit(tmp_path: Path) -> None:
    engine = s.FakeEngine(s.in_qa(s.spool(tmp_path, 5), 5))
    async with s.dashboard(engine) as (app, pilot):
        await pilot.press("l")
        await s.wait_for(pilot, lambda: isinstance(app.screen, LogScreen), "the log")
        engine.say(END)
        await s.wait_for(pilot, lambda: isinstance(app.screen, FinishDialog), "the summary")
        await pilot.press("q")
        assert isinstance(app.screen, FinishDialog)
        assert not app._exit


async def test_it_does_not_come_again_where_it_was_opened(tmp_path: Path) -> None:
    engine = s.FakeEngine(s.in_qa(s.spool(tmp_path, 5), 5))
    async with s.dashboard(engine) as (app, pilot):
        await pilot.press("o")
        await s.wait_for(pilot, lambda: s.shows(app, "Summary so far"), "the summary so far")
        await ended(app, pilot, engine)
        await s.wait_for(pilot, lambda: not s.shows(app, "so far"), "it says the end")
        await pilot.press("escape")
        await s.wait_for(pilot, lambda: not isinstance(app.screen, FinishDialog), "left")
        await pilot.pause(0.3)
        assert not isinstance(app.screen, FinishDialog)


def died(folder: str, log: str) -> list[e.AnyEvent]:
    """A model that fitted by estimate runs out of memory in QA, and leaves something."""
    report = s.report()
    fits = [one for one in report.models if one.verdict is Verdict.GO]
    big = msgspec.structs.replace(fits[0], model=BIG)
    good = msgspec.structs.replace(report, verdict=fits[0].verdict, models=(*fits, big))
    oom = QaModelResult(model=BIG, status="FAILED", cause="CUDA_OOM", means="it did not fit", fix="lower it")
    outcome = QaOutcome(
        code="QA_ERROR:CUDA_OOM", message="1 failed", models=(oom,), leftovers=("namespace/x",)
    )
    answer = Decision(plan_digest=s.plan().digest, accepted=(), write=True)
    return [
        *s.decided(folder=folder),
        e.ApprovalGiven(decision=answer),
        e.ManifestWritten(
            path=f"{folder}/config-yaml/a-rather-long-name-of-a-manifest.generated.yaml",
            sha256="1c" * 32,
            changes=4,
        ),
        e.DecisionMade(report=good),
        e.QaStarted(container="c", image="i", log=log),
        e.QaFinished(outcome=outcome),
        e.RunFinished(exit_status=4, verdict=Verdict.NO_GO, summary="s", seconds=61.0),
    ]


@pytest.mark.parametrize("size", s.SIZES)
async def test_it_names_the_failed_model_first_and_what_there_is_to_do(
    size: tuple[int, int], tmp_path: Path
) -> None:
    folder = str(tmp_path)
    engine = s.FakeEngine(died(folder, s.spool(tmp_path, 5)))
    async with s.dashboard(engine, size) as (app, pilot):
        await shown(app, pilot, FinishDialog, "the summary")
        dialog = app.screen
        assert isinstance(dialog, FinishDialog)
        rows = ["".join(part for part, _ in row.spans) for row in dialog.rows(size[0] - 6)]
        block = next(at for at, row in enumerate(rows) if "QA FAILED ✗" in row)
        assert rows[block + 1].startswith(f"{BIG}: CUDA out of memory")
        assert rows[block + 2].split() == ["next", "lower", "it"]
        assert any("a-rather-long-name-of-a-manifest.generated.yaml" in row for row in rows)
        assert any("namespace/x" in row for row in rows)
        assert any("modelcar-tui --replay 20251009-083000-3fa9" in row for row in rows)
        assert s.shows(app, "C cleans up")
        assert s.shows(app, "q quits")
        assert s.shows(app, "--replay 20251009-083000-3fa9")
