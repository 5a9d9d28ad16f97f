"""Tries beside a run: who is asked, what is told in which order, what is kept, and that each one ends."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from modelcar_tui.core.errors import Problem, UserError
from modelcar_tui.kube import ClusterError
from modelcar_tui.kube.types import Rung
from modelcar_tui.supervisor import Engine, Settings, Supervisor, Wish
from modelcar_tui.supervisor import events as e
from modelcar_tui.supervisor.journal import read_journal
from modelcar_tui.supervisor.recorded import retold
from modelcar_tui.supervisor.state import fold
from modelcar_tui.supervisor.tries import Tries
from modelcar_tui.trial import TrialEnd
from support.trials import MANIFEST, Double, plan_of, start_of, team

WAIT_S = 20.0


@pytest.fixture
def room(monkeypatch: pytest.MonkeyPatch) -> Double:
    double = Double()
    monkeypatch.setattr("modelcar_tui.supervisor.trying.OnCluster", lambda: double)
    return double


def begun(tmp_path: Path, **more: Any) -> Supervisor:
    path = tmp_path / "m.base.yaml"
    path.write_text(MANIFEST)
    options: dict[str, Any] = {"qa": False, "llm": False, "approve": "show", "vllm_version": "0.19.0", **more}
    return Supervisor(str(path), specialists=team(), state_dir=str(tmp_path / "state"), **options)


async def ran(tmp_path: Path, **more: Any) -> Supervisor:
    supervisor = begun(tmp_path, **more)
    async for _ in supervisor.run():
        pass
    return supervisor


async def says(allowed: bool) -> bool:
    return allowed


def allow(_: Any) -> Any:
    return says(True)


def until(check: Callable[[], object]) -> None:
    limit = time.monotonic() + WAIT_S
    while not check():
        assert time.monotonic() < limit
        threading.Event().wait(0.01)


async def test_a_try_is_told_from_wish_to_verdict_and_stands_in_the_journal(
    tmp_path: Path, room: Double
) -> None:
    run = await ran(tmp_path)
    heard: list[str] = []

    def say(event: e.AnyEvent) -> None:
        heard.append(type(event).__name__)
        run.tell(event)

    end = await run.attempt(Wish(model="one"), say).go(allow)
    assert end.measured is not None and room.kept == [end.measured.id]
    told = ["TrialAsked", "TrialPlanned", "TrialAllowed", "TrialMoved", "TrialMoved", "TrialMoved"]
    assert heard == [*told, "TrialEnded", "DecisionMade", "StepChanged", "SpecialistFinished"]
    (trial,) = run.state.trials
    assert trial.plan == plan_of("one") and trial.allowed and trial.end == end and not trial.open
    assert trial.measured == end.measured and run.state.trial is None
    facts = {model.car.name: model.image.model for model in run.state.models}
    assert facts["one"].measured == (end.measured,) and facts["two"].measured == ()
    assert Path(end.log).parent == run.folder / "trials" and Path(end.log).is_file()
    again = fold(retold(run.folder))
    assert again.trials == run.state.trials and again.decision == run.state.decision


async def test_no_is_the_end_and_nothing_is_made(tmp_path: Path, room: Double) -> None:
    run = await ran(tmp_path)
    end = await run.attempt(Wish(model="one")).go(lambda _: says(False))
    assert room.ran == [] and end.measured is None and "did not allow" in str(end.problem)
    assert run.state.trials[-1].allowed is False and run.state.trials[-1].end == end


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (UserError(Problem(what="no free GPU", fix="wait")), "no free GPU; wait"),
        (ClusterError(Rung.OK, Problem(what="the API server is away")), "the API server is away"),
        (ValueError("https://user:pass@host"), "one: a fault of ours: ValueError"),
    ],
    ids=["user", "cluster", "ours"],
)
async def test_what_can_not_be_prepared_is_one_line(
    tmp_path: Path, room: Double, error: Exception, said: str
) -> None:
    run = await ran(tmp_path)
    room.refused["one"] = error
    end = await run.attempt(Wish(model="one")).go(allow)
    assert str(end.problem) == said and run.state.trials[-1].end == end
    end = await run.attempt(Wish(model="none")).go(allow)
    assert str(end.problem) == "none: there is no such model; one of one, two"


async def test_a_measurement_that_can_not_be_kept_counts_in_this_run(tmp_path: Path, room: Double) -> None:
    run = await ran(tmp_path)
    room.unkept = UserError(Problem(what="the disk is full"))
    end = await run.attempt(Wish(model="one")).go(allow)
    assert any("counts in this run only: the disk is full" in one.text for one in run.state.notices)
    assert run.state.models[0].image.model.measured == (end.measured,)


async def test_a_stopped_try_ends_after_its_removal_and_says_what_is_left(
    tmp_path: Path, room: Double
) -> None:
    run = await ran(tmp_path)
    room.hangs, room.left = True, ("oc delete job x",)
    task = asyncio.create_task(run.attempt(Wish(model="one")).go(allow))
    room.at_run = lambda: asyncio.get_running_loop().call_soon(task.cancel)
    with pytest.raises(asyncio.CancelledError):
        await task
    assert room.removed == ["one"]
    assert run.state.trials[-1].end.left == ("oc delete job x",)
    assert "stopped by the operator" in str(run.state.trials[-1].end.problem)


async def test_one_at_a_time_and_the_end_of_all_ends_it(tmp_path: Path, room: Double) -> None:
    run = await ran(tmp_path)
    tries = run.tries()
    first = tries.begin(Wish(model="one"))
    until(lambda: run.state.trial is not None and run.state.trial.asks)
    assert first and tries.begin(Wish(model="two")) == ""
    assert run.state.notices[-1].text == "a try of one is still open: one at a time"
    tries.allow("another", True)
    room.hangs = True
    tries.allow(run.state.trial.id, True)
    until(lambda: room.ran)
    tries.stop("another")
    assert not tries.join(0.0)
    tries.end()
    tries.end()
    assert tries.join(WAIT_S) and room.removed == ["one"] and tries.begin(Wish(model="two")) == ""
    assert run.state.trial is None


async def test_a_stop_while_it_asks_is_heard_by_both_of_its_ids(tmp_path: Path, room: Double) -> None:
    run = await ran(tmp_path)
    tries: Tries = run.tries()
    for second in (False, True):
        wish = tries.begin(Wish(model="one"))
        until(lambda: run.state.trial is not None and run.state.trial.asks)
        tries.stop(run.state.trial.id if second else wish)
        assert tries.join(WAIT_S) and run.state.trial is None and room.ran == []


def test_the_engine_waits_for_the_removal_and_tells_of_a_try_after_the_run_s_end(
    tmp_path: Path, room: Double, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("modelcar_tui.supervisor.supervisor.team", lambda *_: _team())
    path = tmp_path / "m.base.yaml"
    path.write_text(MANIFEST)
    engine = Engine(
        Settings(manifest=str(path), qa=False, llm=False, approve="show", state_dir=str(tmp_path / "state"))
    )
    assert engine.try_model("one", None) == ""
    engine.allow_trial("x", True)
    engine.start()
    until(lambda: engine.state.finish is not None)
    room.hangs = True
    assert engine.try_model("one", None)
    until(lambda: engine.state.trial is not None and engine.state.trial.asks)
    engine.allow_trial(engine.state.trial.id, True)
    until(lambda: room.ran)
    assert not engine.join(0.05)
    engine.detach()
    assert engine.join(WAIT_S) and room.removed == ["one"]
    kinds = [type(stamped.event).__name__ for stamped in engine.drain()]
    assert kinds[kinds.index("RunFinished") :][1:3] == ["TrialAsked", "TrialPlanned"]
    assert kinds[-1] == "TrialEnded"


def _team() -> Any:
    from modelcar_tui.supervisor.registry import team as whole

    return whole(team(), [].append)


async def test_what_passes_is_shown_and_not_kept(tmp_path: Path, room: Double) -> None:
    run = await ran(tmp_path)
    await run.attempt(Wish(model="one")).go(allow)
    news = run.state.trials[-1].news
    moved = e.TrialMoved(news=msgspec.structs.replace(news, lines=5000), passing=True)
    stamped = run.tell(moved)
    assert stamped is not None and run.state.trials[-1].news.lines == 5000
    events = [one.event for one in read_journal(run.folder / "journal.jsonl")]
    assert moved not in events and not any(isinstance(one, e.TrialMoved) and one.passing for one in events)


async def test_a_try_without_an_end_is_cut_off_where_it_is_looked_at_again_and_where_the_run_goes_on(
    tmp_path: Path, room: Double
) -> None:
    run = await ran(tmp_path)
    run.tell(e.TrialAsked(id="t", model="one"))
    run.tell(e.TrialPlanned(plan=plan_of("one"), asked="t"))
    run.tell(e.TrialAllowed(id=plan_of("one").id, allowed=True))
    (trial,) = fold(retold(run.folder)).trials
    assert (
        trial.plan is not None and "cut off" in str(trial.end.problem) and "removed" in trial.end.problem.fix
    )
    journal = list(read_journal(run.folder / "journal.jsonl"))
    assert fold(journal).trial is not None  # it is said by who looks, and nothing was written


async def test_what_a_killed_process_left_is_removed_at_the_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    swept: list[Path] = []

    async def sweep_trials(client: object, *, folder: Path) -> tuple[str, ...]:
        assert client == "a client"
        swept.append(folder)
        return ("removed Job x, which a killed try had left",)

    @asynccontextmanager
    async def connect(*_: object) -> AsyncIterator[str]:
        yield "a client"

    monkeypatch.setattr("modelcar_tui.trial.sweep_trials", sweep_trials, raising=False)
    monkeypatch.setattr("modelcar_tui.kube.find_credentials", lambda _: None, raising=False)
    monkeypatch.setattr("modelcar_tui.kube.connect", connect, raising=False)
    assert (await ran(tmp_path)).state.notices == () and swept == []  # no record, and nobody is asked
    records = tmp_path / "state" / "trials"
    records.mkdir()
    (records / "modelcar-try-x.json").write_text("{}")
    told = [one.text for one in (await ran(tmp_path)).state.notices]
    assert told == ["removed Job x, which a killed try had left"] and swept == [records.parent]


def test_news_of_a_try_that_nobody_knows_change_nothing() -> None:
    state = fold([e.Stamped(1, 1.0, e.TrialEnded(end=TrialEnd(id="x", measured=start_of("one"))))])
    assert state.trials == () and state.trial is None
