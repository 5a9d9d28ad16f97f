"""A model's arguments: in the plan only where the estimate and the lint say that they do better, and
marked."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from modelcar_tui.advice.solver import FEW, SHARES, STEPS
from modelcar_tui.manifest.plan import Decision
from modelcar_tui.supervisor.llm import propose
from modelcar_tui.supervisor.llm.propose import (
    MOST_SHARE,
    least_sequences,
    least_step,
    most_sequences,
    validated,
)
from modelcar_tui.supervisor.llm.replies import Suggestion
from modelcar_tui.supervisor.settings import Approve
from modelcar_tui.vllm import StartLimits
from support.llm_server import LlmServer

Go = Callable[..., Any]
NAME = "granite-3.1-8b-instruct"


def suggests(*changes: dict[str, Any]) -> Callable[[dict[str, Any]], str]:
    def say(asked: dict[str, Any]) -> str:
        sent = [{**change, "model": change["model"].replace(NAME, "model-1")} for change in changes]
        return json.dumps({"first": [], "changes": sent}) if "suggest" in asked["system"] else "Nothing."

    return say


def one(flag: str, value: Any, model: str = NAME) -> dict[str, Any]:
    return {"model": model, "flag": flag, "value": value}


async def test_a_better_argument_joins_the_plan_marked_and_not_written_unread(go: Go) -> None:
    with LlmServer(suggests(one("--max-num-seqs", 32), one("--gpu-memory-utilization", 0.95))) as server:
        supervisor, _ = await go(server, "ok", approve=Approve.ALL)
    plan = supervisor.state.decision.plan
    mine = [change for change in plan.changes if change.origin == "model"]
    assert [change.flag for change in mine] == ["--max-num-seqs", "--gpu-memory-utilization"]
    assert all(change.reason.startswith("suggested by the language model") for change in mine)
    assert supervisor.state.written is None or supervisor.state.written.changes == len(plan.changes) - len(
        mine
    )
    assert supervisor.state.decision.verdict == "GO"


async def test_the_operator_may_accept_it(go: Go, tmp_path: Any) -> None:
    def answer(supervisor: Any) -> Decision:
        plan = supervisor.state.decision.plan
        accepted = tuple(change.id for change in plan.changes)
        return Decision(plan_digest=plan.digest, accepted=accepted, write=True, who="me")

    with LlmServer(suggests(one("--max-num-seqs", "18"))) as server:
        supervisor, _ = await go(server, "ok", approve=Approve.ASK, answer=answer)
    assert supervisor.state.written.changes == 1
    assert "--max-num-seqs=18" in (tmp_path / "m.generated.yaml").read_text()


@pytest.mark.parametrize(
    "change",
    [
        one("--trust-remote-code", "true"),
        one("--api-key", "x"),
        one("--middleware", "evil.Module"),
        one("--allowed-local-media-path", "/"),
        one("--kv-cache-dtype", "fp8"),
        one("--tensor-parallel-size", 2),
        one("gpu_count", 2),
        one("--enforce-eager", "true"),
        one("--max-model-len", 4096),  # less than now
        one("--max-model-len", 9_999_999),  # the model has no such positions
        one("--max-num-seqs", 8),  # less than now
        one("--max-num-seqs", -1),
        one("--max-num-seqs", "18 --trust-remote-code"),
        one("--max-num-seqs", "18\n    - --trust-remote-code"),
        one("--gpu-memory-utilization", 0.2),
        one("--gpu-memory-utilization", 1.7),
        one("--max-num-seqs", 18, model="another"),
        {"model": NAME, "flag": "--max-num-seqs", "value": 18, "approve": True},
        {"model": NAME, "flag": "--max-num-seqs", "value": None},
    ],
)
async def test_nothing_else_joins(go: Go, change: dict[str, Any]) -> None:
    alone, _ = await go(None)
    with LlmServer(suggests(change)) as server:
        supervisor, _ = await go(server, "ok")
    assert supervisor.state.decision.plan == alone.state.decision.plan


@pytest.mark.parametrize(
    "text",
    [
        '{"changes": [{"model": "granite-3.1-8b-instruct", "flag": "--max-num-seqs", "value": 1',
        'Sure! {"changes": []}',
        '{"changes": []} {"changes": []}',
        "[]",
        "null",
        '{"changes": {}}',
        "{" * 5000,
    ],
)
async def test_only_the_whole_text_as_json_counts(go: Go, text: str) -> None:
    alone, _ = await go(None)
    with LlmServer(lambda asked: text if "suggest" in asked["system"] else "Nothing to add.") as server:
        supervisor, _ = await go(server, "ok")
    assert supervisor.state.decision.plan == alone.state.decision.plan


async def test_a_number_cut_by_max_tokens_is_no_suggestion(go: Go) -> None:
    """The reply would even be valid JSON where it was cut; the finish reason forbids it."""
    whole = json.dumps({"changes": [one("--max-num-seqs", 18)]})
    alone, _ = await go(None)
    with LlmServer(lambda asked: whole) as server:
        supervisor, _ = await go(server, "max-tokens")
    assert supervisor.state.decision.plan == alone.state.decision.plan


def limits(batch: int = 8192, seqs: int = 256) -> StartLimits:
    return StartLimits(utilization=0.9, seqs=seqs, batch=batch, context=16_384, auto_context=False)


def test_no_step_is_shorter_than_now_than_vllm_s_default_or_than_the_solver_takes() -> None:
    assert least_step(limits(16_384), limits(8192)) == 16_384
    assert least_step(limits(1024), limits(8192)) == 8192
    assert least_step(limits(512), limits(1024)) == STEPS[-1] == 2048


def test_sequences_are_neither_few_nor_more_than_vllm_s_own() -> None:
    assert least_sequences(limits(seqs=256)) == FEW == 32
    assert least_sequences(limits(seqs=16)) == 16
    assert most_sequences(limits(seqs=16), limits(seqs=256)) == 256
    assert most_sequences(limits(seqs=512), limits(seqs=256)) == 512


def test_no_share_is_larger_than_the_solver_takes() -> None:
    assert MOST_SHARE == max(SHARES) == 0.95


ROOMY = """\
model-car:
  - name: granite-3.1-8b-instruct
    image: oci://registry.redhat.io/rhelai1/modelcar-granite-3-1-8b-instruct:1.5
    serving_arguments:
      gpu_count: 1
      args: ["--max-model-len=65536"]
"""


async def decided(go: Go, text: str) -> Callable[[str, str | float], list[str]]:
    """What of one suggestion joins the plan of this manifest on an H100."""
    supervisor, _ = await go(None, text=text, gpus=("NVIDIA-H100-80GB-HBM3:1",))
    state = supervisor.state
    assert state.decision.verdict == "GO"

    def joins(flag: str, value: str | float) -> list[str]:
        wanted = (Suggestion(model=NAME, flag=flag, value=value),)
        found = validated(wanted, state.decision, state.models, state.cluster, vllm="0.11.2")
        return [change.new for change in found]

    return joins


async def test_memory_is_not_won_with_the_reserve_that_the_solver_leaves(
    go: Go, monkeypatch: pytest.MonkeyPatch
) -> None:
    joins = await decided(go, ROOMY)
    assert joins("--gpu-memory-utilization", 0.95) == ["--gpu-memory-utilization=0.95"]
    for share in (0.951, 0.96, "0.97", 0.99, 1.0):
        assert joins("--gpu-memory-utilization", share) == []
    monkeypatch.setattr(propose, "MOST_SHARE", 1.0)
    assert joins("--gpu-memory-utilization", 0.97) == [
        "--gpu-memory-utilization=0.97"
    ]  # by the estimate alone


async def test_memory_is_not_won_at_the_price_of_speed(go: Go, monkeypatch: pytest.MonkeyPatch) -> None:
    joins = await decided(go, ROOMY)
    for step in (1, 16, 64, 256, 1024, 2047, 2048, 8191):
        assert joins("--max-num-batched-tokens", step) == []
    for sequences in (1, 2, 8, 31, 4096):
        assert joins("--max-num-seqs", sequences) == []
    monkeypatch.setattr(propose, "least_step", lambda now, default: 0)
    assert joins("--max-num-batched-tokens", 64) == []  # the score sees it, too
    monkeypatch.setattr(propose._Score, "as_fast", lambda self, other: True)
    assert joins("--max-num-batched-tokens", 64) == ["--max-num-batched-tokens=64"]


async def test_a_step_that_the_operator_has_set_is_not_made_shorter(go: Go) -> None:
    joins = await decided(go, ROOMY.replace('["', '["--max-num-batched-tokens=16384", "'))
    for step in (2048, 8192, 16_383):
        assert joins("--max-num-batched-tokens", step) == []
