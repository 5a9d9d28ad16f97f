"""What takes a try's pod, or its clock, away in the middle of a start."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from modelcar_tui.kube import patience
from modelcar_tui.trial.following import Following
from modelcar_tui.trial.measuring import ours
from modelcar_tui.vllm import StartupLog
from support.trial_bench import TrialBench, ready

Make = Callable[..., TrialBench]


async def test_a_queue_that_takes_its_gpu_back_is_named(bench: Make) -> None:
    one = bench(FAKE_VLLM_PACE="0.05")
    trying = asyncio.create_task(one.run(ready(queue="gpus")))
    await one.until(lambda: one.news and one.news[-1].lines >= 5)
    with one.cluster.lock:
        one.cluster.jobs[ready().plan.id]["spec"]["suspend"] = True
        pod = next(iter(one.cluster.pods.values()))
    one.cluster.delete_pod(pod)
    end = await trying
    assert "queue gpus took its GPU back on node gpu-1" in str(end.problem)
    assert one.nothing_left


async def test_health_without_a_right_to_the_log_says_so(
    bench: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "REFUSED_S", 0.1)
    one = bench()
    one.cluster.refusals["GET", "log"] = (403, 'User "ann" cannot get resource "pods/log"')
    end = await one.run()
    assert str(end.problem).startswith("its log can't be read: ")


@pytest.mark.parametrize("hours", [-5, 5])
def test_a_nodes_wrong_clock_makes_a_start_neither_late_nor_young(hours: int) -> None:
    import time

    class Client:
        ahead_s = 0.0

    class Asks:
        client, made_s = Client(), 40.0

    plan: Any = ready().plan
    following = Following(Asks(), plan, *[None] * 3, container="vllm", poll_s=1.0)  # type: ignore[arg-type]
    following._now = following._now._replace(began=time.time() + hours * 3600)
    assert 0 <= following.age_s <= 40


def test_a_folder_that_the_server_takes_for_a_name_is_no_models_fault() -> None:
    log = StartupLog()
    log.feed("huggingface_hub.errors.HFValidationError: Repo id must be in the form 'a/b': '/mnt/models'.")
    about = log.end(healthy=False, exit_status=1).about
    assert ours(about, ready().basis.args, ready().plan) == ("HF_HUB_OFFLINE",)
