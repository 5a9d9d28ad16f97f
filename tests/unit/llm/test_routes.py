"""A run takes the steps of its table, whatever a language model says; and it is asked once at most."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from modelcar_tui.supervisor import events as e
from modelcar_tui.verdict.reports import Verdict
from support.llm_server import LlmServer

Go = Callable[..., Any]
TOO_BIG = """\
model-car:
  - name: granite-3.1-8b-instruct
    image: oci://registry.redhat.io/rhelai1/modelcar-granite-3-1-8b-instruct:1.5
    serving_arguments:
      gpu_count: 1
"""
MENDS = '{"first": [], "changes": [{"model": "model-1", "flag": "--max-model-len", "value": "16"}]}'
CHOICES = ("skip-qa", "look-again", "write", "qa", "approval")


def steps(seen: list[e.Stamped]) -> list[str]:
    """The specialists that were started; side by side those of one moment."""
    return sorted(s.event.specialist for s in seen if isinstance(s.event, e.SpecialistStarted))


@pytest.mark.parametrize("choice", CHOICES)
async def test_a_step_that_a_model_names_is_not_taken(go: Go, choice: str) -> None:
    alone, before = await go(None)
    with LlmServer(lambda asked: f'{{"choice": "{choice}"}}') as server:
        supervisor, seen = await go(server, "ok")
    assert steps(seen) == steps(before)
    assert supervisor.state.qa.outcome == alone.state.qa.outcome
    assert supervisor.state.decision.plan == alone.state.decision.plan
    assert supervisor.state.finish.exit_status == alone.state.finish.exit_status
    assert len(server.requests) == supervisor.state.llm.calls == 1
    assert supervisor.state.llm.problem.startswith("its suggestions: ")


async def test_a_no_go_that_no_change_mends_is_not_mended_by_a_model(go: Go) -> None:
    with LlmServer(lambda asked: MENDS) as server:
        supervisor, _ = await go(server, "ok", text=TOO_BIG, gpus=("NVIDIA-T4:1",))
    assert supervisor.state.decision.verdict is Verdict.NO_GO
    assert len(server.requests) == 1
    assert [change for change in supervisor.state.decision.plan.changes if change.origin == "model"] == []
    assert supervisor.state.pane("qa").status is e.Status.SKIPPED


async def test_a_blind_run_looks_once(go: Go, tmp_path: Path) -> None:
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(
        "apiVersion: v1\nkind: Config\ncurrent-context: c\n"
        "clusters: [{name: c, cluster: {server: 'https://127.0.0.1:9'}}]\n"
        "users: [{name: u, user: {token: t}}]\ncontexts: [{name: c, context: {cluster: c, user: u}}]\n"
    )
    with LlmServer(lambda asked: '{"choice": "look-again"}') as server:
        supervisor, seen = await go(server, "ok", gpus=(), kubeconfig=str(kubeconfig))
    assert steps(seen).count("accelerator") == steps(seen).count("decision") == 1
    assert supervisor.state.decision.verdict is Verdict.UNKNOWN
    assert len(server.requests) == 1 and "127.0.0.1" not in server.requests[0].text
