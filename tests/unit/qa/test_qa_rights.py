"""QA's Jobs, the watch beside them and `agent cleanup` ask for each right of their roles in docs/rbac.yaml.

That none of them asks for more holds wherever a stub cluster is stopped (`ungranted`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from modelcar_tui.kube import ClusterOptions, connect, find_credentials
from modelcar_tui.qa.cleanup import _PATHS, delete_leftovers, find_leftovers
from support.job_bench import JobBench, eventually
from support.roles import of, used
from support.suite_namespace import NAMESPACE
from support.suite_pods import pod, waiting

SPACE = f"/api/v1/namespaces/{NAMESPACE}"


@pytest.fixture
def benches(tmp_path: Path) -> Iterator[list[JobBench]]:
    for name in ("one", "several", "refused"):
        (tmp_path / name).mkdir()
    made = [
        JobBench(tmp_path / "one"),
        JobBench(tmp_path / "several", parallel=2),
        JobBench(tmp_path / "refused"),
    ]
    yield made
    for bench in made:
        bench.cluster.stop()


async def detached_and_stopped(bench: JobBench) -> None:
    denied = waiting("ErrImagePull", "unauthorized: authentication required")
    both = [pod("granite--hang", init=denied), pod("other", ready=True)]
    bench.cluster.objects[f"{SPACE}/pods"] = {"items": both}
    runner = bench.runner()
    first = asyncio.create_task(bench.run(bench.request("granite--hang"), runner))
    await eventually(lambda: bench.seen)
    runner.detach = True
    first.cancel()
    with suppress(asyncio.CancelledError):
        await first
    await bench.run(bench.request("granite--hang", timeout_s=2.0))


async def cleaned_up(bench: JobBench) -> None:
    log = ["Namespace/x", *(f"{kind}/left" for kind in _PATHS)]
    options = ClusterOptions(kubeconfig=str(bench.cluster.kubeconfig()))
    began = 1_790_000_000.0
    made = {"uid": "u", "creationTimestamp": "2026-09-21T14:13:30Z"}
    for path in (SPACE, *(f"{path.format(NAMESPACE)}/left" for path in _PATHS.values())):
        bench.cluster.objects[path] = {"metadata": {"name": path.rpartition("/")[2], **made}}
    async with connect(find_credentials(options), options) as client:
        for named in ([f"Namespace/{NAMESPACE}"], log[2:]):
            found = await find_leftovers(
                client,
                named,
                run_id="r1",
                began=began,
                ended=began + 60,
                namespace="qa",
                works_in=[NAMESPACE],
            )
            assert all(one.ours for one in found), found
            assert all(line.startswith("deleted") for line in await delete_leftovers(client, found))


async def test_jobs_the_watch_and_cleaning_up_use_all_that_they_are_granted(benches: list[JobBench]) -> None:
    one, several, refused = benches
    refused.cluster.not_admitted = 'pods "x" is forbidden: violates PodSecurity "restricted:latest"'
    async with asyncio.timeout(60):
        await asyncio.gather(
            detached_and_stopped(one),
            several.run(several.request("a--hang", "b--hang", timeout_s=2.0)),
            refused.run(refused.request("granite")),
        )
    await cleaned_up(refused)
    asked = [line for bench in benches for line in bench.cluster.log]
    inside = used(line for line in asked if "/namespaces/qa/" in line)
    outside = used(line for line in asked if "/namespaces/qa/" not in line)
    assert of("qa-job") - inside == set()
    assert of("qa-watch", "cleanup") - outside == set()
