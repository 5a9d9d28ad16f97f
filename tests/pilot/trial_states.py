"""Tries of models as events: planned, running, ended, failed."""

from __future__ import annotations

from pathlib import Path

from modelcar_tui.core.errors import Problem
from modelcar_tui.supervisor import events as e
from modelcar_tui.trial.types import TrialEnd, TrialNews, TrialPlan, TrialStage
from pilot import support as s
from pilot.states import BIG, FIGURES, start_of

ID = "modelcar-try-4f2a"
SMALL = "granite-3.1-8b-instruct"


def plan_of(model: str = BIG, **more: object) -> TrialPlan:
    """As a cluster with one crowded node has it."""
    values: dict[str, object] = {
        "id": ID,
        "model": model,
        "namespace": "model-serving",
        "image": "registry.redhat.io/rhoai/odh-vllm-cuda-rhel9@sha256:5b1f0c3d7a2e",
        "gpus": 4,
        "resource": "nvidia.com/gpu",
        "product": "H100-80GB-HBM3 80 GiB",
        "nodes": ("ip-10-0-17-201.ec2.internal", "ip-10-0-24-9.ec2.internal"),
        "queue": "gpu-queue",
        "priority_class": "never-preempting",
        "pushed": ("batch/nightly-train-0 on ip-10-0-17-201.ec2.internal (priority -10)",),
        "cautions": ("the image is not on these nodes yet: pulling it takes some minutes",),
        "creates": ("the Job modelcar-try-4f2a with one pod", "2 Secrets with the model's small files"),
        "args": ("--model=/mnt/models", "--max-model-len=32768", "--load-format=dummy"),
        "changed": ("--load-format=dummy: no weights are read",),
        "files": (("config.json", 1_204), ("tokenizer.json", 4_210_000)),
        "left_out": (("preprocessor.bin", "larger than the budget of 8 MiB"),),
        "unproven": (
            "that the weights' files are whole",
            "how long loading them takes",
            "what the model answers",
        ),
        "predicted": "refused_kv",
        "predicted_figures": {"weights_gib": 17.0, "kv_cache_gib": 12.4},
    }
    return TrialPlan(**(values | more))  # type: ignore[arg-type]


def asked(_: Path, **more: object) -> list[e.AnyEvent]:
    """Its plan waits for the operator's word."""
    model = str(more.get("model", BIG))
    return [
        *s.decided(),
        e.TrialAsked(id="wish", model=model),
        e.TrialPlanned(plan=plan_of(**more), asked="wish"),  # type: ignore[arg-type]
    ]


def running(folder: Path, **more: object) -> list[e.AnyEvent]:
    """vLLM starts."""
    figures = {"weights_gib": 17.02, "activation_gib": 2.2}
    news = TrialNews(
        id=ID,
        stage=TrialStage.STARTING,
        text="INFO 10-09 08:53:20 [gpu_model_runner.py:2001] Model loading took 17.02 GiB and 3.1 seconds",
        node="ip-10-0-17-201.ec2.internal",
        began=s.T0,
        lines=214,
        figures=figures,
    )
    return [*asked(folder, **more), e.TrialAllowed(id=ID, allowed=True, who="ada"), e.TrialMoved(news=news)]


def ended(folder: Path) -> list[e.AnyEvent]:
    """It starts, where a refusal was predicted."""
    start = start_of(
        BIG,
        gpus=4,
        at=s.T0 + 28,
        figures=FIGURES | {"weights_gib": 17.02},
        predicted="refused_kv",
        predicted_figures=plan_of().predicted_figures,
    )
    return [
        *running(folder),
        e.TrialEnded(end=TrialEnd(id=ID, measured=start, seconds=92.0, log="/var/log/try.log")),
    ]


def failed(folder: Path) -> list[e.AnyEvent]:
    """Nothing was measured, and something is left."""
    problem = Problem(
        where=BIG,
        what="the image was not pulled: unauthorized",
        fix="link the pull secret to the service account of model-serving",
    )
    left = ("the Secret modelcar-try-4f2a-1: oc delete secret -n model-serving modelcar-try-4f2a-1",)
    return [*running(folder), e.TrialEnded(end=TrialEnd(id=ID, problem=problem, left=left))]


TRIAL_STATES = {
    "try-question": (asked, ()),
    "try-running": (running, ("t",)),
    "try-board": (running, ()),
    "try-ended": (ended, ("t",)),
    "try-failed": (failed, ("t",)),
}
