"""A model's arguments: in the plan only where the estimate and the lint say that they do better, and
marked."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from modelcar_tui.manifest.plan import Decision
from modelcar_tui.supervisor.settings import Approve
from support.llm_server import LlmServer

Go = Callable[..., Any]
NAME = "granite-3.1-8b-instruct"


def suggests(*changes: dict[str, Any]) -> Callable[[dict[str, Any]], str]:
    def say(asked: dict[str, Any]) -> str:
        return json.dumps({"changes": changes}) if "suggest" in asked["system"] else "Nothing to add."

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
