"""What one node, pod, template or question raises costs that one; the others go on, and nothing passes for
free."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import pytest
from cluster_support import look_at

from modelcar_tui.cluster import free, inventory, look, preflight, quotas, runtimes
from modelcar_tui.cluster.types import AcceleratorReport, State
from modelcar_tui.demo.kube import start_stub_cluster
from modelcar_tui.demo.kube_rights import Fault


async def seen(folder: Path, *faults: Fault, **more: Any) -> AcceleratorReport:
    with start_stub_cluster(folder=folder, tls=False) as cluster:
        cluster.server.faults.extend(faults)
        return (await look_at(cluster, **more))[0]


def units(report: AcceleratorReport) -> dict[str, list[int | None]]:
    return {node.name: [pool.free for pool in node.pool] for node in report.inventory.nodes}


def failing_for(real: Any, pick: Any, monkeypatch: pytest.MonkeyPatch, room: Any, name: str) -> None:
    def raises(*args: Any, **kwargs: Any) -> Any:
        if pick(*args):
            raise RuntimeError("Authorization: Bearer planted")
        return real(*args, **kwargs)

    async def fails(*args: Any, **kwargs: Any) -> Any:
        return await raises(*args, **kwargs)

    monkeypatch.setattr(room, name, fails if inspect.iscoroutinefunction(real) else raises)


async def test_a_node_that_is_not_understood_is_left_out_and_makes_the_inventory_partial(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = units(await seen(tmp_path))
    lost = next(iter(whole))
    failing_for(
        inventory.classify, lambda node, *_: node.metadata.name == lost, monkeypatch, inventory, "classify"
    )
    report = await seen(tmp_path)
    assert units(report) == {name: pools for name, pools in whole.items() if name != lost}
    assert report.inventory.known and report.inventory.partial
    (problem,) = report.inventory.problems
    assert problem.where == lost and "not known, because looking at it failed: RuntimeError" in problem.what
    assert "planted" not in str(report)


async def test_a_pod_that_is_not_understood_leaves_its_nodes_units_unknown_never_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = units(await seen(tmp_path))
    spoilt: list[str] = []

    def first(pod: Any) -> bool:
        if not pod.spec.node_name:
            return False
        spoilt.append(pod.spec.node_name)
        return pod.spec.node_name == spoilt[0]

    failing_for(free.pod_requests, first, monkeypatch, free, "pod_requests")
    report = await seen(tmp_path)
    lost = spoilt[0]
    assert lost in whole and units(report)[lost] == [None] * len(whole[lost])
    assert {k: v for k, v in units(report).items() if k != lost} == {
        k: v for k, v in whole.items() if k != lost
    }
    assert report.inventory.partial and any(one.where == lost for one in report.inventory.problems)


async def test_the_pods_of_one_node_that_cannot_be_listed_cost_that_node(tmp_path: Path) -> None:
    whole = units(await seen(tmp_path))
    lost = list(whole)[1]
    report = await seen(tmp_path, Fault(f"pods.*nodeName%3D{lost}%2C", "status", status=500))
    assert units(report)[lost] == [None] * len(whole[lost])
    assert sum(None in pools for pools in units(report).values()) == 1


async def test_a_template_that_is_not_understood_costs_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = (await seen(tmp_path)).runtime
    assert chosen is not None
    failing_for(
        runtimes.from_template,
        lambda template, *_: template.metadata.name != chosen.name,
        monkeypatch,
        runtimes,
        "from_template",
    )
    found = (await seen(tmp_path)).runtime
    assert found is not None and found.image == chosen.image


QUESTIONS = (
    (look, "find_runtime"),
    (look, "check_serving"),
    (preflight, "read_settings"),
    (preflight, "read_llm_services"),
    (preflight, "read_operators"),
    (preflight, "_openshift"),
    (preflight, "_may_serve"),
    (preflight, "read_limits"),
    (preflight, "find_pull_secrets"),
    (quotas, "read_queues"),
    (quotas, "_quota"),
    (inventory, "scale_up"),
)


@pytest.mark.parametrize(("room", "name"), QUESTIONS, ids=[name for _, name in QUESTIONS])
async def test_a_question_that_fails_is_unanswered_and_the_others_are_answered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, room: Any, name: str
) -> None:
    whole = await seen(tmp_path)
    failing_for(getattr(room, name), lambda *_, **__: True, monkeypatch, room, name)
    report = await seen(tmp_path)
    assert report.access.healthy and units(report) == units(whole)
    assert (report.runtime is None) is (name == "find_runtime")
    codes = {one.code for one in report.checks if one.state is State.OK}
    lost = {one.code for one in whole.checks} - codes
    assert len(lost) <= 1 or name == "check_serving"
    if name in ("read_limits", "check_serving"):
        assert report.limits is not None and set(report.limits.unknown) == set(quotas.EVERYTHING)
    if room is preflight:
        assert any(one.code == "unanswered" and "RuntimeError" in one.what for one in report.checks)


async def test_a_question_that_is_never_answered_is_stopped_and_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preflight, "QUESTION_S", 0.3)
    monkeypatch.setattr(look, "SEARCH_S", 0.3)
    report = await seen(
        tmp_path,
        Fault("templates|datascience", "silent", seconds=20),
        read_timeout_s=20.0,
        request_timeout_s=20.0,
    )
    (check,) = [one for one in report.checks if one.code == "unanswered"]
    assert "the DataScienceCluster: the question was stopped after its limit of 0 s" in check.what
    assert report.runtime is None and "was stopped after its limit" in str(report.runtime_problem)
    assert report.inventory.known and not report.inventory.partial
