"""A step that takes too long is stopped and told; what it had found out is used, the rest is not known."""

from __future__ import annotations

import asyncio
import socket
import time
from pathlib import Path

import pytest

from modelcar_tui.cluster.types import AcceleratorReport
from modelcar_tui.core.errors import UserError
from modelcar_tui.core.facts import Source
from modelcar_tui.demo.kube import start_stub_cluster
from modelcar_tui.demo.kube_rights import Fault
from modelcar_tui.demo.registry import start_demo_registry
from modelcar_tui.supervisor.alone import run_alone
from modelcar_tui.supervisor.limits import unhurried
from modelcar_tui.supervisor.settings import Settings
from modelcar_tui.supervisor.specialists import accelerator, configuration
from modelcar_tui.supervisor.state import RunState
from modelcar_tui.verdict.reports import ConfigurationReport

GOOD = "registry.redhat.io/rhelai1/modelcar-granite-3-1-8b-instruct:1.5"


def step(state: RunState, pane: str, name: str) -> str:
    found = state.pane(pane)
    assert found is not None
    return next(one.detail for one in found.steps if one.id == name)


async def test_images_that_were_read_before_the_limit_count_and_the_others_say_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(configuration, "IMAGES_S", 3.0)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    registry = start_demo_registry()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        images = {"granite": GOOD, "hanging-7b": f"127.0.0.1:{silent.getsockname()[1]}/a/hanging-7b:1"}
        path = tmp_path / "x.base.yaml"
        path.write_text(
            "model-car:\n" + "".join(f"  - name: {k}\n    image: oci://{v}\n" for k, v in images.items())
        )
        settings = Settings(manifest=str(path), registries_conf=str(registry.registries_conf_path))
        began = time.monotonic()
        report, state, _ = await run_alone(configuration.Configuration(), settings, ConfigurationReport)
    registry.stop()
    assert time.monotonic() - began < 15
    granite, hanging = report.models
    assert granite.image.model.parameters.source is Source.HEADERS and not granite.image.problems
    (problem,) = hanging.image.problems
    assert "was stopped after its limit of 3 s; what is known so far is used" in problem.what
    assert hanging.image.model.parameters.source is Source.NAME
    assert "limit of 3 s" in step(state, "configuration", "images")


async def test_a_manifest_that_is_not_read_in_time_ends_with_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(configuration, "MANIFEST_S", 0.1)
    monkeypatch.setattr("modelcar_tui.manifest.reader.read_manifest", lambda _: time.sleep(0.6))
    with pytest.raises(UserError, match=r"after its limit of 0 s"):
        await run_alone(
            configuration.Configuration(), Settings(manifest=str(tmp_path / "x.yaml")), ConfigurationReport
        )


async def test_nodes_that_were_read_before_the_limit_are_a_partial_inventory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accelerator, "CLUSTER_S", 2.0)
    with start_stub_cluster(folder=tmp_path, tls=False) as cluster:
        cluster.server.faults.append(Fault("machinesets", "silent", seconds=12))
        settings = Settings(manifest="x", kubeconfig=str(cluster.kubeconfig_path))
        report, state, _ = await run_alone(accelerator.Accelerator(), settings, AcceleratorReport)
    assert report.access.healthy and report.inventory.partial and len(report.inventory.nodes) == 5
    assert any("after its limit of 2 s" in problem.what for problem in report.inventory.problems)
    assert "(partial)" in step(state, "accelerator", "gpus")


@pytest.mark.parametrize("seconds", [60.0, None])
async def test_a_time_limit_stands_still_while_the_operator_is_asked(seconds: float | None) -> None:
    async with asyncio.timeout(seconds) as limit:
        before = limit.when()
        meanwhile: list[float | None] = []

        async def answer() -> bool:
            meanwhile.append(limit.when())
            return True

        assert await unhurried(limit, answer())
        after = limit.when()
    assert meanwhile == [None]
    assert after is None if before is None else after is not None and after >= before
