"""The dashboard of a run in which a specialist of ours died: each screen opens and tells it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from modelcar_tui.supervisor import events as e
from modelcar_tui.supervisor.settings import Approve
from modelcar_tui.supervisor.specialist import Context
from modelcar_tui.supervisor.specialists.decision import Decision
from modelcar_tui.supervisor.specialists.qa import Qa
from modelcar_tui.supervisor.supervisor import Supervisor
from modelcar_tui.tui.screens.ask import AskScreen
from modelcar_tui.tui.screens.dashboard import DashboardScreen
from modelcar_tui.tui.screens.diff import DiffScreen
from modelcar_tui.tui.screens.finish import FinishDialog
from modelcar_tui.tui.screens.gpus import GpuScreen
from modelcar_tui.tui.screens.help import HelpScreen
from modelcar_tui.tui.screens.log import LogScreen
from modelcar_tui.tui.widgets.panels import SpecialistPane
from pilot import support as s

sys.path.insert(0, str(Path(__file__).parents[1] / "unit" / "supervisor"))
from team import MANIFEST, Member, fake_team


class Dies(Member):
    def work(self, context: Context) -> None:
        raise RuntimeError("planted")


async def events_of(folder: Path, dies: str) -> list[e.AnyEvent]:
    manifest = folder / "x.base.yaml"
    manifest.write_text(MANIFEST)
    team = {member.name: member for member in fake_team()} | {"decision": Decision(), "qa": Qa()}
    team[dies] = Dies(dies)
    supervisor = Supervisor(
        manifest, specialists=team.values(), state_dir=str(folder), approve=Approve.ALL, qa=False
    )
    return [stamped.event async for stamped in supervisor.run()]


@pytest.mark.parametrize("size", [(60, 20), (80, 24), (120, 40)], ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("dies", ["configuration", "accelerator", "decision"])
async def test_every_screen_opens_where_a_specialist_died(
    dies: str, size: tuple[int, int], tmp_path: Path
) -> None:
    engine = s.FakeEngine(await events_of(tmp_path, dies))
    engine.recorded = True  # a live run without a manifest leaves the screen at its end
    screens = {"question_mark": HelpScreen, "g": GpuScreen, "l": LogScreen, "o": FinishDialog, "a": AskScreen}
    async with s.dashboard(engine, size) as (app, pilot):
        await s.wait_for(pilot, lambda: s.shows(app, "UNKNOWN"), "the verdict")
        if dies != "accelerator":  # nothing was decided: the pane of what failed is open, and says it once
            assert s.shows(app, "no model is known" if dies == "configuration" else "not read")
            assert s.shows(app, "a fault of this specialist")
            pane = app.screen.query_one(f"#pane-{1 if dies == 'configuration' else 3}", SpecialistPane)
            told = ["".join(span[0] for span in one.spans) for one in pane.all_rows(70, 40)]
            assert sum("RuntimeError" in text for text in told) == 1, told
        for key, screen in screens.items():
            await pilot.press("escape", key)
            await s.wait_for(pilot, lambda screen=screen: isinstance(app.screen, screen), f"{key}")
        await pilot.press("escape", "d")
        await s.wait_for(pilot, lambda: isinstance(app.screen, DashboardScreen | DiffScreen), "d")
        await pilot.press("escape", "o")
        await s.wait_for(pilot, lambda: s.shows(app, "UNKNOWN"), "the summary")
        assert not s.shows(app, "planted") and not s.shows(app, "KeyError")
