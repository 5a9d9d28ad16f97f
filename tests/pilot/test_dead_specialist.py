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
    async with s.dashboard(engine, size) as (app, pilot):
        await s.wait_for(pilot, lambda: s.shows(app, "UNKNOWN"), "the verdict")
        for key in ("question_mark", "g", "l", "o", "d", "a"):
            await pilot.press("escape", key)
            await pilot.pause()
        await pilot.press("escape", "o")
        await s.wait_for(pilot, lambda: s.shows(app, "UNKNOWN"), "the summary")
        assert not s.shows(app, "planted") and not s.shows(app, "KeyError")
