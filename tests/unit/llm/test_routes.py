"""Which ways a model may choose from, and that it can't leave them."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelcar_tui.manifest import Decision
from modelcar_tui.supervisor import events as e
from modelcar_tui.supervisor.routing import Progress, allowed_next, ways
from modelcar_tui.verdict.reports import Verdict
from support.llm_server import LlmServer

sys.path.insert(0, str(Path(__file__).parents[1] / "supervisor"))
from team import fake_team

TEAM = fake_team()
DONE = frozenset(("configuration", "accelerator", "decision"))
Go = Callable[..., Any]
TOO_BIG = """\
model-car:
  - name: granite-3.1-8b-instruct
    image: oci://registry.redhat.io/rhelai1/modelcar-granite-3-1-8b-instruct:1.5
    serving_arguments:
      gpu_count: 1
"""


@given(
    st.sets(st.sampled_from(("configuration", "accelerator", "decision", "qa", "write", "summary"))),
    st.sampled_from(("", "GO", "NO-GO", "UNKNOWN")),
    st.booleans(),
    st.booleans(),
    st.sampled_from((None, Decision(plan_digest="p", write=True), Decision(plan_digest="p"))),
    st.sets(st.sampled_from(("accelerator",))),
)
def test_no_way_reaches_a_write_or_qa_that_the_table_does_not(
    done: set[str], verdict: str, blind: bool, changes: bool, answer: Decision | None, again: set[str]
) -> None:
    progress = Progress(
        finished=frozenset(done),
        verdict=verdict,
        blind=blind,
        has_changes=changes,
        answer=answer,
        asked_again=frozenset(again),
    )
    found = ways(progress, TEAM)
    table = allowed_next(progress, TEAM)
    assert found[0].steps == table
    for way in found[1:]:
        assert not {"write", "qa", "approval"} & set(way.steps)
        assert "approval" not in table or way.name == "look-again"
        assert not way.again or answer is None


def test_a_no_go_may_skip_qa_and_a_go_may_not() -> None:
    assert [way.name for way in ways(Progress(finished=DONE, verdict="NO-GO"), TEAM)] == ["go-on", "skip-qa"]
    assert [way.name for way in ways(Progress(finished=DONE, verdict="GO"), TEAM)] == ["go-on"]


def test_an_unreachable_cluster_is_looked_at_once_more_at_most() -> None:
    blind = Progress(finished=DONE, verdict="UNKNOWN", blind=True, has_changes=True)
    assert [way.name for way in ways(blind, TEAM)] == ["go-on", "look-again"]
    again = Progress(finished=DONE, blind=True, has_changes=True, asked_again=frozenset(("accelerator",)))
    assert len(ways(again, TEAM)) == 1


def reply(choice: str) -> Callable[[dict[str, Any]], str]:
    def say(asked: dict[str, Any]) -> str:
        return f'{{"choice": "{choice}"}}' if "ALLOWED" in asked["human"] else "Nothing to add."

    return say


@pytest.mark.parametrize(
    ("choice", "by"),
    [
        ("skip-qa", "model"),
        ("go-on", "model"),
        ("write", "rules"),
        ("qa", "rules"),
        ("approval", "rules"),
        ('skip-qa"} {"', "rules"),
    ],
)
async def test_a_no_go_ends_alike_whatever_the_model_chooses(go: Go, choice: str, by: str) -> None:
    options = {"text": TOO_BIG, "gpus": ("NVIDIA-T4:1",)}
    alone, _ = await go(None, **options)
    with LlmServer(reply(choice)) as server:
        supervisor, seen = await go(server, "ok", **options)
    assert alone.state.decision.verdict is Verdict.NO_GO
    for state in (alone.state, supervisor.state):
        assert state.qa.outcome.skipped
        assert state.pane("qa").status is e.Status.SKIPPED
    assert supervisor.state.finish.exit_status == alone.state.finish.exit_status
    assert supervisor.state.decision.plan == alone.state.decision.plan
    [route] = [stamped.event for stamped in seen if isinstance(stamped.event, e.RouteChosen)]
    assert route.by == by


async def test_a_blind_run_looks_again_once_and_comes_to_the_same_end(go: Go, tmp_path: Path) -> None:
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(
        "apiVersion: v1\nkind: Config\ncurrent-context: c\n"
        "clusters: [{name: c, cluster: {server: 'https://127.0.0.1:9'}}]\n"
        "users: [{name: u, user: {token: t}}]\ncontexts: [{name: c, context: {cluster: c, user: u}}]\n"
    )
    options = {"gpus": (), "kubeconfig": str(kubeconfig)}
    alone, _ = await go(None, **options)
    with LlmServer(reply("look-again")) as server:
        supervisor, seen = await go(server, "ok", **options)
    started = [s.event.specialist for s in seen if isinstance(s.event, e.SpecialistStarted)]
    assert started.count("accelerator") == 2
    assert started.count("decision") == 2
    assert supervisor.state.finish.exit_status == alone.state.finish.exit_status
    assert supervisor.state.decision.verdict is alone.state.decision.verdict is Verdict.UNKNOWN
    assert supervisor.state.decision.plan.changes == alone.state.decision.plan.changes
