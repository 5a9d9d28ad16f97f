"""A try prepared against the stub cluster."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from modelcar_tui.cluster.look import read_cluster
from modelcar_tui.cluster.types import AcceleratorReport
from modelcar_tui.core.errors import Problem, UserError
from modelcar_tui.core.facts import Fact
from modelcar_tui.core.secrets import Redactor
from modelcar_tui.demo.kube import start_stub_cluster
from modelcar_tui.demo.kube_scenarios import Scenario, openshift_ai
from modelcar_tui.demo.kube_store import Kind
from modelcar_tui.image import SmallFiles
from modelcar_tui.image.options import ImageOptions
from modelcar_tui.image.types import ImageFacts
from modelcar_tui.kube.connection import connect
from modelcar_tui.kube.kubeconfig import find_credentials
from modelcar_tui.kube.types import ClusterOptions
from modelcar_tui.manifest.reader import read_manifest
from modelcar_tui.manifest.types import ModelCar, Position, ServingArguments
from modelcar_tui.models.facts import ModelFacts
from modelcar_tui.trial import PreparedTrial, TrialAsk, prepare_trial
from modelcar_tui.verdict.reports import ModelRequirements
from support.configs import LLAMA_8B

PRIORITIES = Kind("scheduling.k8s.io", "v1", "priorityclasses", "PriorityClass", namespaced=False)
AT = Position(1, 1)
TOKENIZER = b'{"model": {"type": "BPE"}}' * 40
SMALL = {"config.json": b"{}", "generation_config.json": b"{}", "tokenizer.json": TOKENIZER}


def Found(
    files: Mapping[str, bytes] = SMALL,
    left_out: tuple[tuple[str, str], ...] = (),
    weights: tuple[str, ...] = (),
) -> SmallFiles:
    """Small files as a reader gives them."""
    return SmallFiles(files=dict(files), left_out=left_out, weights=weights)


def requirements(car: ModelCar, config: dict[str, Any] | None = LLAMA_8B, **facts: Any) -> ModelRequirements:
    image = ImageFacts(
        reference=car.image,
        size_bytes=Fact(value=17 * 2**30),
        architectures=Fact(value=("amd64",)),
        model=ModelFacts(config=config, **facts),
    )
    return ModelRequirements(car=car, image=image)


def model(*args: str, gpus: int = 1, name: str = "m", **more: Any) -> ModelRequirements:
    """A model-car."""
    serving = ServingArguments(gpu_count=gpus, args=args)
    car = ModelCar(name=name, image="oci://quay.io/x/m:1", at=AT, name_at=AT, image_at=AT, serving=serving)
    return requirements(car, **more)


def from_file(text: str, folder: Path, **more: Any) -> ModelRequirements:
    """The first model of a manifest."""
    path = folder / "manifest.yaml"
    path.write_text(text)
    return requirements(read_manifest(str(path)).models[0], **more)


def with_classes(*rows: tuple[str, int, str]) -> Scenario:
    """The usual cluster with PriorityClasses: name, value, policy."""
    scenario = openshift_ai()
    scenario.objects[PRIORITIES] = [
        {"metadata": {"name": name}, "value": value, "preemptionPolicy": policy}
        for name, value, policy in rows
    ]
    return scenario


def prepare(
    what: ModelRequirements,
    folder: Path,
    scenario: Scenario | None = None,
    *,
    found: SmallFiles | None = None,
    report: Callable[[AcceleratorReport], AcceleratorReport] = lambda report: report,
    **ask: Any,
) -> PreparedTrial:
    """What `prepare_trial` makes of it."""

    async def read(reference: str, options: ImageOptions) -> SmallFiles:
        assert reference == what.car.image
        assert isinstance(options, ImageOptions)
        return found or Found()

    async def whole() -> PreparedTrial:
        options = ClusterOptions(kubeconfig=str(cluster.kubeconfig_path))
        told = report(await read_cluster(options, lambda _: None))
        asked = TrialAsk(model=what, cluster=told, **ask)
        async with connect(find_credentials(options), options) as client:
            return await prepare_trial(asked, client, redact=Redactor(), read=read)

    with start_stub_cluster(scenario, folder=folder, tls=False) as cluster:
        return asyncio.run(whole())


def refusal(what: ModelRequirements, folder: Path, scenario: Scenario | None = None, **more: Any) -> Problem:
    """Why it can't be tried: one line."""
    try:
        prepare(what, folder, scenario, **more)
    except UserError as error:
        (problem,) = error.problems
        assert "\n" not in str(problem)
        assert problem.fix, problem
        return problem
    raise AssertionError("it was prepared")


def pod_of(prepared: PreparedTrial) -> dict[str, Any]:
    spec: dict[str, Any] = prepared.job["spec"]["template"]["spec"]
    return spec


def main_of(prepared: PreparedTrial) -> dict[str, Any]:
    (main,) = pod_of(prepared)["containers"]
    assert isinstance(main, dict)
    return main


def everything(prepared: PreparedTrial) -> str:
    """All that is shown or made, as one text."""
    return msgspec.json.encode(prepared).decode()
