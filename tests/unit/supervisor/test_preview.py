"""What the review says of a decision before it is made: the diff, the verdict, and what speaks against it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec
import pytest

from modelcar_tui.manifest.plan import Decision
from modelcar_tui.supervisor.previewing import preview
from modelcar_tui.supervisor.settings import Approve
from modelcar_tui.supervisor.state import RunState
from modelcar_tui.supervisor.supervisor import Supervisor
from modelcar_tui.verdict.reports import Verdict

MANIFEST = """\
model-car:
  - name: llama-3.1-8b-instruct
    image: oci://127.0.0.1:9/models/llama-3.1-8b-instruct:1   # 16 GiB of weights
    serving_arguments:
      gpu_count: 2
      args:
        - --tensor-parallel-size=4
        - --distributed-executor-backend=mp
        - --max-model-len
        - "4096"
"""


@pytest.fixture
def run(tmp_path: Path) -> RunState:
    path = tmp_path / "m.base.yaml"
    path.write_text(MANIFEST)
    supervisor = Supervisor(path, gpus=("L40S:4",), state_dir=str(tmp_path / "state"), approve=Approve.SHOW)

    async def drive() -> None:
        async for _ in supervisor.run():
            pass

    asyncio.run(drive())
    return supervisor.state


def decide(run: RunState, *flags: str, **edited: str) -> Decision:
    plan = run.decision.plan
    accepted = tuple(change.id for change in plan.changes if not flags or change.flag in flags)
    by_flag = {change.flag.lstrip("-").replace("-", "_"): change.id for change in plan.changes}
    return Decision(
        plan_digest=plan.digest,
        accepted=accepted,
        edited={by_flag[k]: v for k, v in edited.items()},
        write=True,
    )


def test_all_changes_lead_to_go_and_show_their_diff(run: RunState) -> None:
    shown = preview(run, decide(run))
    assert not shown.problems
    assert shown.verdict is Verdict.GO
    assert any(
        line.startswith("+") and "--max-model-len=4096" in line for hunk in shown.hunks for line in hunk.lines
    )


def test_nothing_accepted_changes_nothing(run: RunState) -> None:
    shown = preview(run, Decision(plan_digest=run.decision.plan.digest, write=True))
    assert shown.hunks == ()
    assert shown.verdict is run.decision.verdict


def test_edited_value_that_vllm_refuses_is_a_problem(run: RunState) -> None:
    shown = preview(run, decide(run, "--max-model-len", max_model_len="--max-model-len=banana"))
    assert [problem.where for problem in shown.problems] == ["llama-3.1-8b-instruct"]
    assert "banana" in shown.problems[0].what


def test_edited_value_that_cannot_be_written_is_a_problem(run: RunState) -> None:
    shown = preview(run, decide(run, "--max-model-len", max_model_len="--max-model-len=1\u202e2"))
    assert shown.problems
    assert "\u202e" not in str(shown.problems[0])


def test_half_of_a_pair_is_said_before_the_write(run: RunState) -> None:
    pairs = [change for change in run.decision.plan.changes if change.together_with]
    if pairs:
        lonely = Decision(plan_digest=run.decision.plan.digest, accepted=(pairs[0].id,), write=True)
        assert "without" in preview(run, lonely).problems[0].what
    change = run.decision.plan.changes[0]
    coupled = msgspec.structs.replace(change, together_with=("llama-3.1-8b-instruct/--other",))
    plan = msgspec.structs.replace(run.decision.plan, changes=(coupled,))
    state = msgspec.structs.replace(run, decision=msgspec.structs.replace(run.decision, plan=plan))
    lonely = Decision(plan_digest=plan.digest, accepted=(coupled.id,), write=True)
    assert preview(state, lonely).problems[0].fix == "accept both, or neither"


def test_base_that_changed_meanwhile_is_said(run: RunState) -> None:
    Path(run.decision.plan.base).write_text(MANIFEST + "# late\n")
    (problem,) = preview(run, decide(run)).problems
    assert "changed meanwhile" in problem.what
