"""`agent try`: who is asked, what is told, which status; the rooms that try are doubles."""

from __future__ import annotations

import json
import os
import pty
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from modelcar_tui import agent
from modelcar_tui.commands import trying
from modelcar_tui.commands.plan import run_to_end
from modelcar_tui.commands.trying_told import consent_lines, end_lines, figures_line
from modelcar_tui.core.ends import ENDS
from modelcar_tui.core.errors import Problem, UserError
from modelcar_tui.core.exit_codes import ExitStatus
from modelcar_tui.supervisor import Settings, Supervisor, Trial
from modelcar_tui.supervisor.finding import find_run
from modelcar_tui.supervisor.journal import read_journal
from modelcar_tui.supervisor.recorded import retold
from modelcar_tui.supervisor.state import fold
from modelcar_tui.trial import TrialEnd
from support.trials import MANIFEST, Double, plan_of, start_of, team


@pytest.fixture
def room(monkeypatch: pytest.MonkeyPatch) -> Iterator[Double]:
    double = Double()
    for place in ("trying", "trial_room"):
        monkeypatch.setattr(f"modelcar_tui.supervisor.{place}.OnCluster", lambda: double)

    async def judged(settings: Settings) -> Supervisor:
        supervisor = Supervisor(settings, specialists=team())
        async for _ in supervisor.run():
            pass
        return supervisor

    assert run_to_end is trying.run_to_end
    monkeypatch.setattr(trying, "run_to_end", judged)
    yield double


def run(folder: Path, *words: str) -> int:
    path = folder / "m.base.yaml"
    path.write_text(MANIFEST)
    state = ("--state-dir", str(folder / "s"), "--vllm", "0.19.0")
    return agent.main(["try", str(path), *state, *words])


def test_without_a_terminal_nothing_is_made_before_the_word(
    tmp_path: Path, room: Double, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(tmp_path, "--model", "one", "--on", "H100") == ExitStatus.USAGE
    said = capsys.readouterr()
    assert room.ran == []
    assert f"allow it with: agent try {tmp_path}/m.base.yaml --state-dir " in said.err
    assert " --vllm 0.19.0 --model one --on H100 --yes\n" in said.err
    assert "a try of one\n  takes: 1 x nvidia.com/gpu (H100-80GB-HBM3 80 GiB)\n  on: h\n" in said.err
    assert said.out == "one: not tried: the operator did not allow it; nothing was made\n"
    assert room.wishes[0][0].on == "H100" and room.wishes[0][0].limit_s is None


def test_every_model_is_tried_and_judged_by_what_it_measured(
    tmp_path: Path, room: Double, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(tmp_path, "--yes", "--limit", "20") == ExitStatus.GO
    said = capsys.readouterr()
    assert room.ran == room.removed == ["one", "two"] and room.wishes[0][0].limit_s == 1200
    assert "one: starts on H100-80GB-HBM3 with vLLM 0.19.0, 2023-11-14T22:13:20Z\n" in said.out
    assert "weights 14.99 GiB predicted 15.00 GiB (0.1 % high)" in " ".join(said.out.split())
    assert (
        "GO two on H100-80GB-HBM3: measured on " in said.out and "[TRY] vLLM starts on h: loading" in said.err
    )
    assert "[TRY] weights 14.99 GiB" in said.err
    folder = find_run("last", Settings(manifest="", state_dir=str(tmp_path / "s")))
    assert [one.end.measured.id for one in fold(retold(folder)).trials] == room.kept
    assert (folder / "trials" / "modelcar-try-one.log").read_text() == "vLLM's log\n"


def test_what_was_not_measured_is_unknown_and_the_others_are_tried(
    tmp_path: Path, room: Double, capsys: pytest.CaptureFixture[str]
) -> None:
    room.refused["one"] = UserError(Problem(where="one", what="no GPU is free", fix="wait for one"))
    assert run(tmp_path, "--yes") == ExitStatus.UNKNOWN
    said = capsys.readouterr()
    assert room.ran == ["two"]
    assert said.out.startswith("one: can't be tried: no GPU is free\n  next: wait for one\ntwo: starts on ")
    end = TrialEnd(id="x", problem=Problem(what="the node went away"), left=("oc delete job x",))
    room.refused, room.ends = {}, {"two": end}
    assert run(tmp_path, "--yes", "--model", "two") == ExitStatus.UNKNOWN
    said = capsys.readouterr()
    assert said.out == "two: nothing was measured: the node went away\n  left there: oc delete job x\n"


def test_json_has_plan_end_and_verdict(
    tmp_path: Path, room: Double, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(tmp_path, "--yes", "--model", "one", "--format", "json") == ExitStatus.GO
    document = json.loads(capsys.readouterr().out)
    (one,) = document["tries"]
    assert one["plan"]["id"] == "modelcar-try-one" and one["verdict"] == "GO"
    assert one["end"]["measured"]["figures"]["weights_gib"] == 14.99


def test_a_dry_run_prints_the_job_and_no_content(
    tmp_path: Path, room: Double, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(tmp_path, "--dry-run", "--model", "one") == ExitStatus.GO
    said = capsys.readouterr()
    job, secret = yaml.safe_load_all(said.out)
    assert (job["kind"], secret["kind"]) == ("Job", "Secret") and "data" not in secret
    assert secret["metadata"]["annotations"] == {"modelcar-tui/part": "16 bytes, not shown"}
    assert "hf_abc" not in said.out and "Zq9" not in said.out and "c2VjcmV0" not in said.out
    assert room.ran == []
    room.refused["one"] = UserError(Problem(what="no GPU is free"))
    assert run(tmp_path, "--dry-run", "--model", "one") == ExitStatus.UNKNOWN


@pytest.mark.parametrize(
    "words", [("--model", "none"), ("--accept", "x"), ("--limit", "0"), ("--gpu", "L40S:1")]
)
def test_what_makes_no_sense_is_refused_before_anything_is_made(
    tmp_path: Path, room: Double, words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(tmp_path, "--yes", *words) == ExitStatus.USAGE
    assert room.wishes == [] and len(capsys.readouterr().err.splitlines()) == 1


@pytest.mark.parametrize(
    ("typed", "status", "ran"),
    [("yes\n", 0, ["one"]), ("y\n", 5, []), ("\x04", 5, [])],
    ids=["yes", "y", "end"],
)
def test_the_word_is_typed_at_the_terminal(
    tmp_path: Path, room: Double, monkeypatch: pytest.MonkeyPatch, typed: str, status: int, ran: list[str]
) -> None:
    ours, theirs = pty.openpty()
    with os.fdopen(theirs, "r") as terminal:
        monkeypatch.setattr("sys.stdin", terminal)
        os.write(ours, typed.encode())
        assert run(tmp_path, "--model", "one") == status
    os.close(ours)
    assert room.ran == ran


@pytest.mark.parametrize("status", [ExitStatus.INTERRUPTED, ExitStatus.TERMINATED, ExitStatus.HANGUP])
def test_a_signal_removes_everything_and_gives_its_status(
    tmp_path: Path,
    room: Double,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    status: ExitStatus,
) -> None:
    held: list[Any] = []
    made = trying._Leaving

    def leaving(supervisor: Supervisor) -> Any:
        held.append(made(supervisor))
        return held[-1]

    monkeypatch.setattr(trying, "_Leaving", leaving)
    allowed: list[float] = []
    room.hangs = True
    room.at_run = lambda: allowed.append(held[-1].leave(status))
    assert run(tmp_path, "--yes") == status
    assert room.ran == room.removed == ["one"] and allowed[0] > 60
    assert held[-1].leave(status) == trying.AGAIN_S
    said = capsys.readouterr()
    assert "[TRY] stopped by the operator: nothing of it is left on the cluster" in said.err
    room.left = ("oc delete job x",)
    assert run(tmp_path, "--yes", "--model", "one") == status
    assert "[TRY] left on the cluster: oc delete job x" in capsys.readouterr().err


def test_ctrl_c_without_the_watchdog_removes_everything(
    tmp_path: Path, room: Double, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ENDS._pipe is None  # a program that embeds us
    room.hangs = True
    room.at_run = lambda: signal.raise_signal(signal.SIGINT)
    assert run(tmp_path, "--yes", "--model", "one") == ExitStatus.INTERRUPTED
    assert room.removed == ["one"]


def test_hostile_text_stays_text_and_takes_one_line_each() -> None:
    plan = plan_of(
        "a\x1b[31m\nb", pushed=("ns/x\x07 on n (priority 1)",), cautions=("c\u202ed",), queue="q\r"
    )
    lines = [*consent_lines(plan)]
    assert all(line.isprintable() for line in lines) and any("may evict: ns/x" in line for line in lines)
    end = TrialEnd(id="x", measured=start_of("one", "oom_load", error="x\x1b]0;y\x07"))
    trial = Trial(id="x", model="a\x1b[31m\nb", asked=0.0, plan=plan, allowed=True, end=end)
    assert all(line.isprintable() for line in end_lines(trial))
    lost = msgspec.structs.replace(trial, end=TrialEnd(id="x", problem=Problem(what="a\x1b[0m\nb", fix="\r")))
    assert all(line.isprintable() for line in end_lines(lost))
    assert figures_line({"kv_tokens": 5.0, "nobody_knows": 1.0}) == "KV cache 5 tokens"


def test_the_journal_holds_no_content(tmp_path: Path, room: Double) -> None:
    assert run(tmp_path, "--yes", "--model", "one") == ExitStatus.GO
    folder = find_run("last", Settings(manifest="", state_dir=str(tmp_path / "s")))
    assert list(read_journal(folder / "journal.jsonl"))
    text = (folder / "journal.jsonl").read_text()
    assert "c2VjcmV0" not in text and "hf_abc" not in text and "Zq9" not in text


def test_the_example_that_takes_standard_input_gives_the_word(capsys: pytest.CaptureFixture[str]) -> None:
    assert agent.main(["try", "--help"]) == ExitStatus.GO
    piped = [line for line in capsys.readouterr().out.splitlines() if "agent try - " in line]
    assert piped and all("--yes" in line for line in piped)  # nobody can be asked there
