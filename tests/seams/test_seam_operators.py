"""From what OpenShift AI's operator writes to the verdict: heard where it stops serving, and only there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from modelcar_tui.cluster.look import read_cluster
from modelcar_tui.cluster.types import State
from modelcar_tui.demo.kube import start_stub_cluster
from modelcar_tui.demo.kube_objects import DSC
from modelcar_tui.demo.kube_operators import condition
from modelcar_tui.demo.kube_scenarios import openshift_ai
from modelcar_tui.kube.types import ClusterOptions
from modelcar_tui.verdict.deciding import overall
from modelcar_tui.verdict.reports import Verdict

Change = Callable[[dict[str, Any]], None]
SOME = "Some components are not ready: "
NO_GO, GO = Verdict.NO_GO, Verdict.GO


def now(phase: str, *conditions: dict[str, Any]) -> Change:
    """The DataScienceCluster with these conditions in place of its own."""

    def change(one: dict[str, Any]) -> None:
        kinds = {told["type"] for told in conditions}
        kept = [told for told in one["status"]["conditions"] if told["type"] not in kinds]
        one["status"] |= {"phase": phase, "conditions": [*kept, *conditions]}

    return change


def without_kserve(one: dict[str, Any]) -> None:
    one["spec"]["components"]["kserve"]["managementState"] = "Removed"


def as_it_is(one: dict[str, Any]) -> None:
    """Four components Removed, and what LLMInferenceService would need is not installed."""


@pytest.mark.parametrize(
    ("change", "verdict", "words", "told"),
    [
        (as_it_is, GO, "", 0),
        (without_kserve, NO_GO, "the KServe component is removed; oc patch datasciencecluster", 1),
        (
            now(
                "Not Ready",
                condition("Ready", "False", "NotReady", SOME + "kserve"),
                condition("KserveReady", "False", "DeploymentsNotReady", "0/2 deployments ready"),
            ),
            NO_GO,
            "KServe is not running: KserveReady is False: DeploymentsNotReady 0/2 deployments ready; oc get",
            1,
        ),
        (
            now(
                "Not Ready",
                condition("Ready", "False", "NotReady", SOME + "modelcontroller"),
                condition("ModelControllerReady", "False", "DeploymentsNotReady", "0/1 deployments ready"),
            ),
            NO_GO,
            "odh-model-controller is not running",
            1,
        ),
        (
            now(
                "Not Ready",
                condition("Ready", "False", "NotReady", SOME + "ray"),
                condition("RayReady", "False", "DeploymentsNotReady", "0/1 deployments ready"),
            ),
            GO,
            "",
            1,
        ),
    ],
    ids=["healthy", "removed", "kserve is down", "webhooks are down", "ray is down"],
)
async def test_the_operator_is_heard_where_it_stops_serving(
    change: Change, verdict: Verdict, words: str, told: int, tmp_path: Path
) -> None:
    scenario = openshift_ai()
    change(scenario.objects[DSC][0])
    with start_stub_cluster(scenario, folder=tmp_path, tls=False) as cluster:
        report = await read_cluster(ClusterOptions(kubeconfig=str(cluster.kubeconfig_path)))
    found, why = overall((), report.checks)
    assert (found, words in why) == (verdict, True), why
    assert [one.code for one in report.checks if one.state is not State.OK] == ["data-science-cluster"] * told
