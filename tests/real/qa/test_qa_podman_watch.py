"""The podman engine looks at the suite's namespace beside the container, and never disturbs it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from modelcar_tui.qa.events import QaSaw
from support.qa_bench import Bench, eventually
from support.suite_namespace import SuiteNamespace
from support.suite_pods import pod, waiting

pytestmark = pytest.mark.real
DENIED = waiting("ErrImagePull", "unauthorized: authentication required")
TEXT = "granite--hang: waiting for the image: unauthorized: authentication required"


@pytest.fixture
def namespace(bench: Bench, tmp_path: Path) -> Iterator[SuiteNamespace]:
    server = SuiteNamespace()
    bench.kubeconfig = server.kubeconfig(tmp_path / "kubeconfig-of-the-watch")
    yield server
    server.stop()


def seen(bench: Bench) -> list[str]:
    return [one.line for event in bench.events if isinstance(event, QaSaw) for one in event.seen]


async def test_what_is_seen_beside_the_container_survives_a_detach(
    bench: Bench, namespace: SuiteNamespace
) -> None:
    namespace.pods = [pod("granite--hang", init=DENIED)]
    runner = bench.runner()
    first = asyncio.create_task(bench.run(bench.request("granite--hang"), runner))
    await eventually(lambda: seen(bench))
    runner.detach = True
    first.cancel()
    with suppress(asyncio.CancelledError):
        await first
    namespace.pods = []
    outcome = await bench.run(bench.request("granite--hang", model_timeout_s=3.0))
    assert seen(bench) == [TEXT]
    assert (outcome.code, outcome.cause) == ("QA_ERROR:MODEL_TIMEOUT", TEXT)
    assert bench.containers() == []
