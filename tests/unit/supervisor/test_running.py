"""`run_supervisor`: a whole run as one call; and what a run may be begun with."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Mapping
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest
import yaml

import modelcar_tui
from modelcar_tui import api
from modelcar_tui.core.errors import UserError
from modelcar_tui.core.exit_codes import ExitStatus
from modelcar_tui.supervisor import events as e
from modelcar_tui.supervisor import run_supervisor
from modelcar_tui.supervisor.settings import Approve, Settings
from modelcar_tui.supervisor.specialist import Context
from modelcar_tui.supervisor.supervisor import Supervisor

sys.path.insert(0, str(Path(__file__).parent))
from team import MANIFEST, FakeQa, Member, fake_team

ARGS = ["--max-model-len=4096"]
CAR: dict[str, Any] = {
    "name": "tiny",
    "image": "oci://registry.example.test/models/tiny:1",
    "serving_arguments": {"gpu_count": 1, "args": ARGS},
}


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    path = tmp_path / "x.base.yaml"
    path.write_text(MANIFEST)
    return path


def test_it_is_found_in_the_package_and_in_the_room() -> None:
    assert modelcar_tui.run_supervisor is api.run_supervisor is run_supervisor


@pytest.mark.parametrize("form", ["path", "settings", "mapping of settings"])
def test_a_run_ends_without_anybody_and_writes_nothing_unasked(
    form: str, manifest: Path, tmp_path: Path
) -> None:
    given: Any = manifest
    if form == "settings":
        given = Settings(manifest=str(manifest))
    elif form == "mapping of settings":
        given = {"manifest": manifest, "who": "me"}
    state = run_supervisor(given, specialists=fake_team(), state_dir=str(tmp_path))
    assert state.finish is not None and state.finish.exit_status == ExitStatus.GO
    assert state.answer is not None and (state.answer.who, state.answer.write) == (Approve.SHOW, False)
    assert [path.name for path in tmp_path.glob("*.yaml")] == ["x.base.yaml"]


def test_what_is_asked_for_is_written(manifest: Path, tmp_path: Path) -> None:
    state = run_supervisor(manifest, specialists=fake_team(), state_dir=tmp_path, approve="all")
    assert state.written is not None and state.written.changes == 1
    assert "--max-model-len=2048" in (tmp_path / "x.generated.yaml").read_text()


def test_a_manifest_that_is_a_mapping_is_kept_by_the_run_s_folder_and_generated_beside_it(
    tmp_path: Path,
) -> None:
    given = {"model-car": [CAR, {**CAR, "name": "tiny-2"}]}
    state = run_supervisor(given, specialists=fake_team(), state_dir=tmp_path, approve="all")
    base = Path(state.folder) / "modelcar.base.yaml"
    assert state.path == str(base) and base.stat().st_mode & 0o777 == 0o600
    assert yaml.safe_load(base.read_text()) == given
    assert base.read_text().count("--max-model-len=4096") == 2, "each has its own, no alias"
    assert state.written is not None and state.written.path == str(base.with_name("modelcar.generated.yaml"))
    assert "--max-model-len=2048" in Path(state.written.path).read_text()
    again = run_supervisor("", specialists=fake_team(), resume=Path(state.folder))
    assert (again.path, again.finish) == (state.path, state.finish)


def _cycle() -> dict[str, Any]:
    given: dict[str, Any] = {"model-car": []}
    given["model-car"].append(given)
    return given


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({}, "a mapping that is no manifest (no model-car) and no settings (no manifest); give "),
        ({"gpus": ("L40S:4",)}, "no settings (no manifest)"),
        ({"model_car": [CAR]}, "rename model_car to model-car"),
        ({1: 2}, "a mapping that is no manifest"),
        ({"model-car": [CAR], "manifest": "x.yaml"}, "both model-car and manifest: two manifests"),
        ({"model-car": [{**CAR, "image": Path("x")}]}, "holds a PosixPath, which a manifest can't"),
        (_cycle(), "holds itself, or is too deep"),
    ],
)
def test_a_mapping_that_is_neither_is_one_line(given: Mapping[str, Any], told: str, tmp_path: Path) -> None:
    with pytest.raises(UserError) as caught:
        run_supervisor(given, state_dir=tmp_path)
    line = str(caught.value)
    assert line.startswith("bootstrap_config: ") and told in line and "\n" not in line
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("cars", "told"),
    [
        ([], "model-car is empty"),
        ([{**CAR, "name": "a\ud800"}], "invalid Unicode"),
        ([{**CAR, "name": "\x1b[2J"}], "name"),
    ],
)
def test_a_mapping_with_faults_ends_as_a_file_with_them(cars: list[Any], told: str, tmp_path: Path) -> None:
    state = run_supervisor({"model-car": cars}, state_dir=tmp_path, gpus=("L40S:1",), qa=False, llm=False)
    assert state.finish is not None and state.finish.exit_status == ExitStatus.USAGE
    assert told in state.faults[0] and "\x1b" not in state.faults[0]


def test_judge_names_the_call_that_takes_a_mapping() -> None:
    with pytest.raises(UserError) as caught:
        modelcar_tui.judge({"model-car": [CAR]})
    assert str(caught.value).endswith("this is a mapping; run_supervisor takes one")


async def test_in_an_event_loop_it_says_what_to_write_instead(manifest: Path) -> None:
    with pytest.raises(UserError) as caught:
        run_supervisor(manifest)
    assert "async for event in Supervisor(...).run() instead" in str(caught.value)


def test_a_run_that_waited_for_its_operator_is_gone_on_with(manifest: Path, tmp_path: Path) -> None:
    async def until_asked() -> Path:
        first = Supervisor(manifest, specialists=fake_team(), state_dir=tmp_path)
        async with aclosing(first.run()) as events:
            async for stamped in events:
                if isinstance(stamped.event, e.ApprovalRequested):
                    break
        assert first.folder is not None
        return first.folder

    folder = asyncio.run(until_asked())
    state = run_supervisor("", specialists=fake_team(), resume=folder)
    assert state.finish is not None and state.finish.exit_status == ExitStatus.GO
    assert state.written is None


class Asks(FakeQa):
    async def run(self, context: Context) -> object:
        self.allowed = await context.consent(("make a namespace",))
        return await super().run(context)


def test_qa_may_do_what_a_command_line_lets_it_do(manifest: Path, tmp_path: Path) -> None:
    asks = Asks("qa", ("decision",))
    state = run_supervisor(manifest, specialists=(*fake_team()[:3], asks), state_dir=tmp_path)
    assert asks.allowed is True
    assert state.consent is not None and state.consent.allowed


class Interrupts(Member):
    async def run(self, context: Context) -> object:
        os.kill(os.getpid(), signal.SIGINT)
        await asyncio.sleep(60)
        return None


def test_ctrl_c_stops_it_so_that_it_can_be_resumed(manifest: Path, tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGINT)
    assert before is signal.default_int_handler
    team = (*fake_team(), Interrupts("licence", ("configuration",)))
    with pytest.raises(KeyboardInterrupt):
        run_supervisor(manifest, specialists=team, state_dir=tmp_path)
    assert signal.getsignal(signal.SIGINT) is before
    (run,) = modelcar_tui.list_runs(state_dir=tmp_path).runs
    assert run.exit_status == ExitStatus.INTERRUPTED
    state = run_supervisor("", specialists=(*fake_team(), Member("licence")), resume=Path(run.folder))
    assert state.finish is not None and state.finish.exit_status == ExitStatus.GO
