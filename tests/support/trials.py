"""Tries without a cluster: a team whose run has models and free GPUs, and a double of who tries them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from modelcar_tui.cluster.types import AcceleratorReport, GpuNode, Guarantee, Inventory, Pool
from modelcar_tui.core.errors import UserError
from modelcar_tui.image.types import ImageFacts
from modelcar_tui.kube.types import Access, Rung
from modelcar_tui.manifest import read_manifest
from modelcar_tui.models import MeasuredStart, ModelFacts, model_fingerprint
from modelcar_tui.supervisor.events import ClusterRead, ManifestRead, ModelLearned, StepPlan
from modelcar_tui.supervisor.specialist import Context
from modelcar_tui.trial import TrialEnd, TrialNews, TrialPlan, TrialStage
from modelcar_tui.verdict import ConfigurationReport, ModelRequirements
from support.configs import LLAMA_8B

MANIFEST = """\
model-car:
  - name: one
    image: oci://registry.example.test/models/one:1
    serving_arguments: {gpu_count: 1, args: [--max-model-len=4096]}
  - name: two
    image: oci://registry.example.test/models/two:1
    serving_arguments: {gpu_count: 1, args: [--max-model-len=4096]}
"""
FACTS = {"one": ModelFacts(config=LLAMA_8B), "two": ModelFacts(config={**LLAMA_8B, "vocab_size": 32000})}


class _Member:
    steps = (StepPlan("work", "Work"),)
    needs: tuple[str, ...] = ()

    def __init__(self, name: str) -> None:
        self.name = self.title = name

    async def run(self, context: Context) -> Any:
        report = self.work(context)
        context.finish("done")
        return report

    def work(self, context: Context) -> Any:
        raise NotImplementedError


class _Reads(_Member):
    def work(self, context: Context) -> Any:
        manifest = read_manifest(Path(context.settings.manifest))
        context.emit(ManifestRead(manifest=manifest))
        models = tuple(
            ModelRequirements(car=car, image=ImageFacts(reference=car.image, model=FACTS[car.name]))
            for car in manifest.models
        )
        for model in models:
            context.emit(ModelLearned(model=model))
        return ConfigurationReport(manifest=manifest, models=models)


class _Looks(_Member):
    def work(self, context: Context) -> Any:
        pool = Pool(
            resource="nvidia.com/gpu",
            units=2,
            free=2,
            mem_mib=81559,
            mem_guarantee=Guarantee.EXCLUSIVE,
        )
        node = GpuNode(
            name="h",
            vendor="nvidia",
            product="H100-80GB-HBM3",
            cc="9.0",
            pool=(pool,),
            usable=True,
            stated=True,
        )
        inventory = Inventory(nodes=(node,), known=True, nodes_seen=1)
        report = AcceleratorReport(access=Access(rung=Rung.OK), inventory=inventory)
        context.emit(ClusterRead(report=report))
        return report


def team() -> tuple[Any, ...]:
    """In the places of ours that look outside."""
    return _Reads("configuration"), _Looks("accelerator")


def plan_of(model: str, **more: Any) -> TrialPlan:
    """A plan that says something of everything."""
    fields: dict[str, Any] = {
        "id": f"modelcar-try-{model}",
        "model": model,
        "namespace": "models",
        "image": "quay.io/vllm:1",
        "gpus": 1,
        "resource": "nvidia.com/gpu",
        "product": "H100-80GB-HBM3 80 GiB",
        "nodes": ("h",),
        "creates": (f"Job modelcar-try-{model}", f"Secret modelcar-try-{model}-0"),
        "args": ("--max-model-len=4096", "--load-format=dummy"),
        "changed": ("--load-format dummy: no weights are pulled",),
        "files": (("config.json", 700), ("tokenizer.json", 9000)),
        "unproven": ("nothing about the weights' files",),
        "predicted": "starts",
        "predicted_figures": {"weights_gib": 15.0, "kv_tokens": 400000.0},
    }
    return TrialPlan(**{**fields, **more})


def start_of(model: str, outcome: str = "starts", **more: Any) -> MeasuredStart:
    """A start of one of the models of `MANIFEST`."""
    fields: dict[str, Any] = {
        "id": f"20261130-000000-{model}",
        "at": 1.7e9,
        "model": model,
        "fingerprint": model_fingerprint(FACTS[model]),
        "gpu": "H100-80GB-HBM3",
        "memory_mib": 81559,
        "vllm": "0.19.0",
        "args": ("--max-model-len=4096",),
        "outcome": outcome,
        "error": "" if outcome == "starts" else "torch.OutOfMemoryError: CUDA out of memory",
        "figures": {"weights_gib": 14.99, "kv_tokens": 412345.0} if outcome == "starts" else {},
        "predicted": "starts",
        "predicted_figures": {"weights_gib": 15.0, "kv_tokens": 400000.0},
    }
    return MeasuredStart(**{**fields, **more})


class Double:
    """Stands for the rooms that prepare, run and keep: no cluster is asked."""

    def __init__(self) -> None:
        self.outcomes: dict[str, str] = {}
        """How each model's start ends; `starts` otherwise."""
        self.refused: dict[str, BaseException] = {}
        """What preparing a model raises."""
        self.ends: dict[str, TrialEnd] = {}
        """An end instead of a measurement."""
        self.unkept: UserError | None = None
        self.left: tuple[str, ...] = ()
        self.wishes: list[Any] = []
        self.ran: list[str] = []
        self.kept: list[str] = []
        self.removed: list[str] = []
        self.at_run: Callable[[], object] = lambda: None
        """Called once vLLM starts."""
        self.hangs = False

    async def prepare(self, model: ModelRequirements, run: Any, wish: Any, *_: Any) -> Any:
        """See `Room.prepare`."""
        self.wishes.append((wish, model.car.serving.args))
        name = model.car.name
        if name in self.refused:
            raise self.refused[name]
        env = [{"name": "HF_TOKEN", "value": "hf_abcdefghijklmnopqrstuvwxyz0123456789"}]
        args = ["--max-model-len=4096", "--api-key", "Xy3-very-secret-Zq9"]
        containers = [{"name": "vllm", "env": env, "args": args}]
        job = {"kind": "Job", "metadata": {"name": name}, "spec": {"containers": containers}}
        secret = {"kind": "Secret", "metadata": {"name": f"{name}-0"}, "data": {"part": "c2VjcmV0IHdvcmRz"}}
        return SimpleNamespace(plan=plan_of(name), job=job, secrets=(secret,))

    async def run(
        self, prepared: Any, on_news: Callable[[TrialNews], None], *_: Any, log: Path, **__: Any
    ) -> Any:
        """See `Room.run`."""
        plan = prepared.plan
        self.ran.append(plan.model)
        try:
            on_news(TrialNews(id=plan.id, stage=TrialStage.MAKING))
            on_news(TrialNews(id=plan.id, stage=TrialStage.STARTING, node="h", text="loading", began=1.7e9))
            log.write_text("vLLM's log\n")
            self.at_run()
            if self.hangs:
                await asyncio.Event().wait()
            figures = {"weights_gib": 14.99}
            on_news(
                TrialNews(
                    id=plan.id, stage=TrialStage.STARTING, node="h", figures=figures, began=1.7e9, lines=9
                )
            )
        finally:
            self.removed.append(plan.model)
        if plan.model in self.ends:
            return self.ends[plan.model]
        start = start_of(plan.model, self.outcomes.get(plan.model, "starts"))
        return TrialEnd(id=plan.id, measured=start, seconds=38.0, log=str(log))

    def keep(self, start: MeasuredStart, facts: ModelFacts | None) -> None:
        """See `Room.keep`."""
        assert facts is not None and model_fingerprint(facts) == start.fingerprint
        if self.unkept is not None:
            raise self.unkept
        self.kept.append(start.id)

    def remains(self, *_: Any) -> tuple[str, ...]:
        """See `Room.remains`."""
        return self.left
