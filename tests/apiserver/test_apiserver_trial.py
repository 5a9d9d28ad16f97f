"""Tries against a real API server; the controllers and the kubelet are played (`trial_kubelet.py`), the API
is not."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from server import Account, ApiServer, lost
from trial_kubelet import TrialControllers

from modelcar_tui.core.secrets import Redactor
from modelcar_tui.demo.kube_objects import NAMESPACES
from modelcar_tui.kube import ClusterOptions, connect, find_credentials
from modelcar_tui.trial import PreparedTrial, TrialEnd, TrialNews, run_trial, sweep_trials
from modelcar_tui.trial.records import KeptRecord, TrialRecord, server_of
from support.roles import rules_of
from support.stub_kubelet import Machine
from support.trial_bench import ready

RIGHTS = tuple(rules_of("try", "events", "localqueues"))
"""All that a try must have in its namespace."""
EVENTS = {"apiGroups": [""], "resources": ["events"], "verbs": ["list"]}
_NUMBERS = iter(range(1000))


class Bench:
    """A namespace of its own, a user with a try's rights, and those who run Jobs."""

    def __init__(self, server: ApiServer, folder: Path) -> None:
        self.server, self.folder = server, folder
        self.namespace = f"try-{next(_NUMBERS)}"
        server.make(NAMESPACES, {"metadata": {"name": self.namespace}})
        self.user: Account = server.account()
        server.grant(self.user, *RIGHTS, namespace=self.namespace)
        self.machine = Machine(env={})
        self.controllers = TrialControllers(server, self.namespace, folder, self.machine)
        self.news: list[TrialNews] = []

    def ready(self, **more: Any) -> PreparedTrial:
        return ready(namespace=self.namespace, limit_s=600, **more)

    async def run(self, prepared: PreparedTrial | None = None, user: Account | None = None) -> TrialEnd:
        async with self.client(user) as client:
            return await run_trial(
                prepared or self.ready(),
                client,
                self.news.append,
                folder=self.folder / "state",
                log=self.folder / "state" / "vllm.log",
                redact=Redactor(),
                poll_s=0.05,
            )

    def client(self, user: Account | None = None):  # type: ignore[no-untyped-def]
        options = ClusterOptions(kubeconfig=str(self.server.kubeconfig(user or self.user)))
        return connect(find_credentials(options), options)

    def names(self) -> list[str]:
        """Jobs, Secrets and pods that are there."""
        found = []
        for kind in ("jobs", "secrets", "pods"):
            base = "/apis/batch/v1" if kind == "jobs" else "/api/v1"
            items = self.server.get(f"{base}/namespaces/{self.namespace}/{kind}")["items"]
            found += [f"{kind}/{one['metadata']['name']}" for one in items]
        return found


@pytest.fixture
def bench(server: ApiServer, tmp_path: Path) -> Iterator[Bench]:
    made = Bench(server, tmp_path)
    yield made
    made.controllers.stop()


async def eventually(check: Callable[[], object], limit: float = 60) -> None:
    async with asyncio.timeout(limit):
        while not check():
            await asyncio.sleep(0.05)


async def test_a_start_is_measured_with_few_rights_and_nothing_is_left(bench: Bench) -> None:
    end = await bench.run()
    assert end.problem is None
    assert end.measured is not None
    assert (end.measured.outcome, end.measured.figures["kv_tokens"]) == ("starts", 354_624)
    assert end.left == ()
    assert bench.names() == []


async def test_the_server_keeps_every_field(bench: Bench) -> None:
    prepared = bench.ready(queue="gpus")
    found = bench.server.get("/version")
    newer = [".spec.suspend"] if (int(found["major"]), int(found["minor"].rstrip("+"))) < (1, 22) else []
    job = json.loads(json.dumps(prepared.job))
    kept = bench.server.post(f"/apis/batch/v1/namespaces/{bench.namespace}/jobs?dryRun=All", prepared.job)
    missing = []
    while path := lost(job, kept):
        missing.append(path)
        *way, last = path.strip(".").split(".")
        at: Any = job
        for step in way:
            at = at[step]
        del at[last]
    assert missing == newer


async def test_a_refusal_is_measured(bench: Bench) -> None:
    bench.machine.env = {"FAKE_VLLM_END": "refuses-kv"}
    end = await bench.run()
    assert end.measured is not None
    assert end.measured.outcome == "refused_kv"
    assert bench.names() == []


async def test_a_log_that_is_cut(bench: Bench) -> None:
    bench.machine.env = {"FAKE_VLLM_PACE": "0.02"}
    bench.controllers.cut_logs_after = 5
    end = await bench.run()
    assert end.measured is not None
    assert end.measured.figures["kv_tokens"] == 354_624
    assert bench.names() == []


async def test_a_pod_that_is_not_admitted(bench: Bench) -> None:
    bench.server.grant(bench.user, EVENTS, namespace=bench.namespace)
    bench.controllers.refusal = 'pods "x" is forbidden: exceeded quota: gpus, requested: gpu=1'
    end = await bench.run()
    assert "exceeded quota: gpus" in str(end.problem)
    assert bench.names() == []


@pytest.mark.parametrize("kind", ["jobs", "secrets"])
async def test_a_right_that_is_missing(bench: Bench, kind: str) -> None:
    few = bench.server.account()
    bench.server.grant(few, *(one for one in RIGHTS if one["resources"] != [kind]), namespace=bench.namespace)
    end = await bench.run(user=few)
    assert f"oc adm policy add-role-to-user edit {few.name} -n {bench.namespace}" in str(end.problem)
    await eventually(lambda: not bench.names())


async def test_cancelled_it_removes_all(bench: Bench) -> None:
    bench.machine.env = {"FAKE_VLLM_END": "hangs"}
    trying = asyncio.create_task(bench.run())
    await eventually(lambda: bench.news and bench.news[-1].lines > 5)
    trying.cancel()
    with pytest.raises(asyncio.CancelledError):
        await trying
    assert bench.names() == []


async def test_the_sweep_removes_what_a_killed_process_left(bench: Bench) -> None:
    prepared, folder = bench.ready(), bench.folder / "state"
    async with bench.client() as client:
        record = TrialRecord(
            id=prepared.plan.id,
            server=server_of(client),
            namespace=bench.namespace,
            job=prepared.plan.id,
            secrets=tuple(one["metadata"]["name"] for one in prepared.secrets),
            at=time.time(),
        )
        with KeptRecord(folder, record):
            await client.create(record.jobs, prepared.job)
            await client.create(f"{record.core}/secrets", prepared.secrets[0])
            assert await sweep_trials(client, folder=folder) == ()
        await eventually(lambda: any(name.startswith("pods/") for name in bench.names()))
        lines = await sweep_trials(client, folder=folder)
    assert len(lines) == 1
    assert f"job {prepared.plan.id}" in lines[0]
    await eventually(lambda: not bench.names())
