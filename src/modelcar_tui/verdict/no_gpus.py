"""The verdict where there is no GPU to compare with: none at hand, or none that is asked for."""

from __future__ import annotations

import math

import msgspec

from modelcar_tui.cluster import Fit
from modelcar_tui.cluster.types import AcceleratorReport, Inventory
from modelcar_tui.manifest import Server
from modelcar_tui.verdict.asking import UNJUDGED, asked_by
from modelcar_tui.verdict.reports import ModelRequirements, ModelVerdict, Verdict
from modelcar_tui.verdict.runtime import named_runtime
from modelcar_tui.vllm import runs_on_cpu


def without_accelerator(model: ModelRequirements, report: AcceleratorReport) -> ModelVerdict | None:
    """The verdict on what asks for no accelerator, whatever the nodes have; None where it asks for one.

    NO-GO where vLLM is built for GPUs, as far as its image's name tells; UNKNOWN where it may be another
    build, or where something that was not read, or not understood, may ask.
    """
    car, server = model.car, model.car.server
    if server is None:
        return None
    shape = asked_by(car, server, report)
    if shape.units:
        return None
    runtime = named_runtime(server.runtime, report)
    on_cpu = runs_on_cpu(
        server.image or (runtime.image if runtime else ""), car.serving.args, dict(server.environment)
    )
    told = "no accelerator is asked for"
    doubts = [one for one in shape.doubts if one.code != UNJUDGED]
    ask = "ask for one: resources.limits of the container, nvidia.com/gpu: 1"
    verdict, why, settle = Verdict.UNKNOWN, "", ask
    if car.open:
        why, settle = car.open[0].what, car.open[0].fix
    elif doubts:
        why, settle = f"{told} by number, but {_may(server, doubts[0])}", doubts[0].settles
    elif server.runtime:
        why = f"{told}, and whether ServingRuntime {server.runtime} asks for one is not known"
        settle = f"put it into the file: oc get servingruntime {server.runtime} -o yaml"
    elif on_cpu:
        why = f"{told}, and vLLM is a build for CPUs: serving on CPUs is not judged here"
        settle = "try it, or ask for an accelerator and take an image for it"
    elif on_cpu is None:
        why = f"{told}, and whether the image's vLLM is a build for CPUs is not known"
    else:
        verdict = Verdict.NO_GO
        why = f"{told}: the pod gets no GPU, and vLLM's build for GPUs does not start without one"
    need = model.required_vram_gib
    left = "model unknown" if need.value is None else f"model {math.ceil(need.value)} GiB"
    return ModelVerdict(
        model=car.name,
        verdict=verdict,
        comparison=f"{left} vs no GPU asked for",
        why=why,
        settle=settle,
        needed_gib=need,
        gpus=0,
    )


def _may(server: Server, doubt: Fit) -> str:
    """What was not read and may bring an accelerator."""
    words = {
        "runtime": f"ServingRuntime {server.runtime} may ask for one, and was not read",
        "profile": f"hardware profile {server.profile} may give one, and was not read",
    }
    return words.get(doubt.code, f"the scheduler {server.scheduler} is not the cluster's own")


def without_gpus(model: ModelRequirements, report: AcceleratorReport) -> ModelVerdict:
    """The verdict where no node offers a GPU, or none was seen."""
    need = model.required_vram_gib
    left = "model unknown" if need.value is None else f"model {math.ceil(need.value)} GiB"
    if not report.inventory.known:
        problem = report.access.problem or next(iter(report.inventory.problems), None)
        return ModelVerdict(
            model=model.car.name,
            verdict=Verdict.UNKNOWN,
            comparison=f"{left} vs GPU unknown",
            why="the GPUs are unknown: "
            + (problem.what if problem else "the cluster could not be looked at"),
            settle=(problem.fix if problem else "") or "state them: --gpu PRODUCT:COUNT",
            needed_gib=need,
            gpus=model.car.serving.gpu_count,
        )
    blocked = [node for node in report.inventory.nodes if not node.usable]
    why = "no node offers a GPU"
    if blocked:
        why = f"no usable GPU: {blocked[0].name} is out ({blocked[0].why})"
        why += f", and {len(blocked) - 1} more" if len(blocked) > 1 else ""
    none = ModelVerdict(
        model=model.car.name,
        verdict=Verdict.NO_GO,
        comparison=f"{left} vs no GPU",
        why=why,
        needed_gib=need,
        gpus=model.car.serving.gpu_count,
    )
    return if_all_seen(none, report.inventory)


def if_all_seen(verdict: ModelVerdict, inventory: Inventory) -> ModelVerdict:
    """A NO-GO only where every node was looked at: one that was not read may serve the model."""
    cut = next((problem for problem in inventory.problems if problem.code != "no-pods"), None)
    if not inventory.partial or cut is None:
        return verdict
    one = inventory.nodes_seen == 1
    seen = "the node that could be read" if one else f"the {inventory.nodes_seen:,} nodes that could be read"
    why = f"not on {seen}, and not all could: {verdict.why}"
    return msgspec.structs.replace(
        verdict,
        verdict=Verdict.UNKNOWN,
        why=why,
        settle=f"read all nodes ({cut.what}): {cut.fix or 'run again'}",
    )
