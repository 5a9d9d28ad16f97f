"""CPU of deciding a whole manifest on a whole inventory: verdicts, proposals, placement.

    python benchmarks/whole_manifest.py [--models 100] [--nodes 5000]

Models of five sizes, GPUs of six kinds, no network. Prints a Markdown table.
"""

from __future__ import annotations

import argparse
import time

import msgspec

from modelcar_tui.cluster import parse_gpu_flags
from modelcar_tui.cluster.types import AcceleratorReport, GpuNode, Held
from modelcar_tui.core.facts import Fact, Source
from modelcar_tui.image.types import ImageFacts
from modelcar_tui.kube.types import Access, Rung
from modelcar_tui.manifest.plan import Decision, Plan
from modelcar_tui.manifest.types import ModelCar, Position, ServingArguments
from modelcar_tui.models import ModelFacts
from modelcar_tui.verdict.accepting import accepted_model, decide_accepted
from modelcar_tui.verdict.candidate import candidates
from modelcar_tui.verdict.deciding import decide_model, overall
from modelcar_tui.verdict.proposing import propose_for, together
from modelcar_tui.verdict.reports import DecisionReport, ModelRequirements

_GPUS = (
    "Tesla-T4:4",
    "NVIDIA-L4:8",
    "NVIDIA-L40S:4",
    "NVIDIA-A100-SXM4-80GB:8",
    "NVIDIA-H100-80GB-HBM3:8",
    "NVIDIA-H200:8",
)
_SIZES = (
    (1.2, 2048, 16, 16),
    (8.0, 4096, 32, 32),
    (14.8, 5120, 48, 40),
    (70.6, 8192, 80, 64),
    (405.9, 16384, 126, 128),
)
_AT = Position(1, 1)


def _whole(node: GpuNode, number: int) -> GpuNode:
    """The node with all that a pod may want of it, each with another amount left; half are full."""
    held = Held(cpu_milli=30_000 + number if number % 2 else number, memory_mib=number, pods=number % 200)
    return msgspec.structs.replace(
        node,
        stated=False,
        arch="amd64",
        cpu_milli=32_000,
        memory_mib=512 * 1024,
        ephemeral_mib=900 * 1024,
        most_pods=250,
        held=held,
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--models", type=int, default=100)
    parser.add_argument("--nodes", type=int, default=5000)
    parser.add_argument("--objective", default="minimal")
    options = parser.parse_args()
    models = tuple(_model(number) for number in range(options.models))
    each = max(1, options.nodes // len(_GPUS))
    named = parse_gpu_flags([f"{gpu}@{each}" for gpu in _GPUS])
    nodes = tuple(_whole(node, number) for number, node in enumerate(named.nodes))
    cluster = AcceleratorReport(
        access=Access(rung=Rung.OK), inventory=msgspec.structs.replace(named, nodes=nodes)
    )
    began = time.process_time()
    kinds = candidates(cluster)
    verdicts = tuple(decide_model(model, cluster, kinds, "0.19.1", each_kind=True) for model in models)
    decided = time.process_time()
    proposals = [
        propose_for(model, verdict, kinds, cluster, vllm="0.19.1", objective=options.objective)
        for model, verdict in zip(models, verdicts, strict=True)
    ]
    changes = tuple(change for proposal in proposals for change in proposal.changes)
    proposed = time.process_time()
    plan = Plan(base="x", base_sha256="", target="y", changes=changes)
    verdict, why = overall(verdicts)
    report = DecisionReport(verdict=verdict, why=why, models=verdicts, plan=plan)
    everything = Decision(
        plan_digest=plan.digest, accepted=tuple(change.id for change in changes), write=True
    )
    after = decide_accepted(models, cluster, report, everything, vllm="0.19.1")
    again = time.process_time()
    placement = together(
        tuple(accepted_model(model, plan, everything) for model in models),
        after.models,
        kinds,
        cluster,
        vllm="0.19.1",
    )
    placed = time.process_time()
    print(
        f"{options.models} models, {options.nodes} nodes, {len(kinds)} kinds, objective {options.objective}: "
        f"{verdict}, with {len(changes)} changes {after.verdict}"
    )
    print("| step | CPU s |\n|---|---|")
    for name, start, end in (
        ("verdicts", began, decided),
        ("proposals", decided, proposed),
        ("verdicts after", proposed, again),
        ("placement", again, placed),
        ("all", began, placed),
    ):
        print(f"| {name} | {end - start:.2f} |")
    if placement is not None:
        print(
            f"{len(placement.placed)} placed at once, {len(placement.unplaced)} not, exact: {placement.exact}"
        )


def _model(number: int) -> ModelRequirements:
    billions, hidden, layers, heads = _SIZES[number % len(_SIZES)]
    config = {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "hidden_size": hidden,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "num_key_value_heads": 8,
        "head_dim": 128,
        "intermediate_size": hidden * 7 // 2,
        "vocab_size": 128256,
        "max_position_embeddings": 131072,
        "torch_dtype": "bfloat16",
    }
    name = f"model-{number}"
    serving = ServingArguments(gpu_count=1, args=(f"--max-num-seqs={64 + number}",))
    car = ModelCar(name=name, image=f"oci://x/{name}:1", serving=serving, at=_AT, name_at=_AT, image_at=_AT)
    facts = ModelFacts(config=config, parameters=Fact(value=int(billions * 1e9), source=Source.HEADERS))
    return ModelRequirements(car=car, image=ImageFacts(reference=car.image, model=facts))


if __name__ == "__main__":
    main()
