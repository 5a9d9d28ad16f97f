"""Answers about models: what is counted, what starts, which GPU a name is, which quantization runs where."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache, partial
from typing import Any

from modelcar_tui.core.facts import Fact, Source
from modelcar_tui.hardware.gpu import Gpu
from modelcar_tui.hardware.product import gpu_for
from modelcar_tui.memory.cases import estimate_case
from modelcar_tui.memory.estimator import estimate
from modelcar_tui.memory.types import Estimate
from modelcar_tui.models import ModelFacts, shape_of
from modelcar_tui.models.context import positions_of
from modelcar_tui.models.known import known_models
from modelcar_tui.models.quantization import PLAIN_SCHEME, Storage
from modelcar_tui.models.weights.stored import whole_bytes
from modelcar_tui.models.weights.tensors import true_count
from modelcar_tui.vllm.arguments import read_engine_args
from modelcar_tui.vllm.quantization import check_support
from same_places import DATA, TESTS
from same_text import Item, Named, item, number

H100, L4 = "NVIDIA-H100-80GB-HBM3", "NVIDIA-L4"
RELEASES = ("0.19.1", "0.33.0")
STARTS = {
    "tp 1": (H100, ("--max-model-len=8192",), 1, False),
    "tp 2": (H100, ("--tensor-parallel-size=2",), 2, False),
    "w4a16 on L4": (L4, ("--max-model-len=4096", "--max-num-seqs=64", "--kv-cache-dtype=fp8"), 1, True),
    "eager": (H100, ("--enforce-eager", "--gpu-memory-utilization=0.95", "--max-num-seqs=512"), 1, False),
    "pp 2": (H100, ("--pipeline-parallel-size=2", "--max-model-len=auto"), 1, False),
    "experts": (
        H100,
        ("--tensor-parallel-size=8", "--enable-expert-parallel", "--max-model-len=32k"),
        8,
        False,
    ),
    "fp8 online": (
        H100,
        ("--quantization=fp8", "--max-num-batched-tokens=16384", "--block-size=32"),
        1,
        False,
    ),
    "lora": (
        L4,
        ("--enable-lora", "--max-lora-rank=64", "--dtype=half", "--no-enable-prefix-caching"),
        4,
        False,
    ),
    "drafts": (H100, ('--speculative-config={"method": "mtp", "num_speculative_tokens": 2}',), 4, False),
    "AMD": ("AMD_Instinct_MI300X_OAM", ("--max-model-len=16384",), 1, True),
    "old": ("Tesla-T4", ("--max-model-len=2048",), 2, True),
    "slice": ("NVIDIA-A100-SXM4-40GB-MIG-3g.20gb", ("--max-model-len=2048",), 1, False),
}
"""Product, arguments, gpu_count, and whether the weights are in 4 bits; the figures tell the first three."""


def startups() -> Iterator[Named]:
    """The real start-ups of tests/accuracy: each one's whole estimate, from its inputs alone."""
    for case in json.loads((TESTS / "accuracy" / "startups.json").read_text("utf-8")):
        yield case["id"], partial(_startup, {"id": case["id"], **case["inputs"]})


def _startup(case: dict[str, Any]) -> Item:
    found = estimate_case(case)
    return item(found, _told(found))


def counts() -> Iterator[Named]:
    """Public models: the sizes that are read from each config, and what they add up to."""
    for name, config, _ in _models():
        yield name, partial(_count, config)


def _count(config: dict[str, Any]) -> Item:
    shape = shape_of(config)
    if isinstance(shape, str):
        return item({"refused": shape}, shape)
    count, weights = true_count(shape), whole_bytes(shape, Storage(PLAIN_SCHEME), 2)
    sizes = {name: getattr(shape, name) for name in shape.__struct_fields__ if name != "family"}
    told = f"{count} {number(weights / 2**30)} GiB"
    return item({"shape": sizes, "parameters": count, "bytes": weights}, told)


def estimates() -> Iterator[Named]:
    """Public models with a dozen GPUs and sets of arguments, from release to release."""
    for release in RELEASES:
        for name, config, parameters in _models():
            yield f"{name} {release}", partial(_estimates, config, parameters, release)


def _estimates(config: dict[str, Any], parameters: int, release: str) -> Item:
    count: Fact[int] = Fact(value=parameters, source=Source.INDEX) if parameters else Fact()
    plain = ModelFacts(config=config, parameters=count)
    short = ModelFacts(config=config, parameters=count, quantization=QUANTIZATIONS["w4a16"])
    found = {
        name: estimate(
            short if quantized else plain,
            gpu_for(product, count=8),
            read_engine_args(args, gpus, release),
            vllm=release,
        )
        for name, (product, args, gpus, quantized) in STARTS.items()
    }
    return item(found, " | ".join(_told(one) for one in list(found.values())[:3]))


def cards() -> Iterator[Named]:
    """GPUs as labels, clouds and people name them. The list of names is data of the baseline's own."""
    for name in (DATA / "names-of-cards.txt").read_text("utf-8").splitlines():
        yield name, partial(_card, name)


def _card(name: str) -> Item:
    gpu = gpu_for(name, count=4)
    figures = f"{gpu.vendor} {gpu.compute_capability or '-'} {number(gpu.memory_gib.value)} GiB"
    return item({"table": gpu, "label": gpu_for(name, memory_mib=40960)}, figures)


def _weights(bits: int, kind: str, inputs: int | None = None, **more: Any) -> dict[str, Any]:
    given = {"num_bits": inputs, "type": kind, "dynamic": True, "strategy": "token"} if inputs else None
    weights = {"num_bits": bits, "type": kind, "strategy": "channel", "symmetric": True, **more}
    group = {"targets": ["Linear"], "weights": weights, "input_activations": given}
    return {"quant_method": "compressed-tensors", "config_groups": {"group_0": group}}


QUANTIZATIONS: dict[str, dict[str, Any]] = {
    "none": {},
    "fp8": {"quant_method": "fp8"},
    "fp8-block": {"quant_method": "fp8", "weight_block_size": [128, 128]},
    "fp8-ct": _weights(8, "float", 8),
    "fp8-w8a16": _weights(8, "float"),
    "w8a8-int8": _weights(8, "int", 8),
    "w8a16": _weights(8, "int"),
    "w4a16": _weights(4, "int", group_size=128),
    "nvfp4-ct": _weights(4, "float", 4, group_size=16),
    "gptq": {"quant_method": "gptq", "bits": 4, "group_size": 128, "sym": True, "desc_act": False},
    "awq": {"quant_method": "awq", "bits": 4, "group_size": 128},
    "mxfp4": {"quant_method": "mxfp4"},
    "bitsandbytes": {"quant_method": "bitsandbytes", "load_in_4bit": True},
    "modelopt-nvfp4": {"quant_method": "modelopt", "quant_algo": "NVFP4"},
    "modelopt-fp8": {"quant_method": "modelopt", "quant_algo": "FP8"},
    "fbgemm-fp8": {"quant_method": "fbgemm_fp8"},
    "hqq": {"quant_method": "hqq", "weight_config": {}},
    "torchao": {"quant_method": "torchao"},
    "experts-int8": {"quant_method": "experts_int8"},
    "quark": {"quant_method": "quark"},
    "new": {"quant_method": "not-known-yet"},
}
CAPABILITIES = ("7.0", "7.5", "8.0", "8.6", "8.9", "9.0", "10.0", "12.0", "gfx90a", "gfx942", "gfx950")
JUDGED = ("0.6.3", "0.8.5", "0.11.2", "0.14.1", "0.19.1", "0.24.0", "0.33.0")


def quantizations() -> Iterator[Named]:
    """Which quantization runs on which capability: what is said of it, and whether the estimate starts."""
    for name, quantization in QUANTIZATIONS.items():
        for release in JUDGED:
            yield f"{name} {release}", partial(_quantization, quantization, release)


def _quantization(quantization: dict[str, Any], release: str) -> Item:
    model = ModelFacts(config=_llama(), quantization=quantization or None)
    said, starts = {}, {}
    for capability in CAPABILITIES:
        vendor = "amd" if capability.startswith("gfx") else "nvidia"
        said[capability] = check_support(
            model, vendor=vendor, compute_capability=capability, product="card", vllm=release
        )
        memory: Fact[float] = Fact(value=80.0, source=Source.NODE_LABEL, unit="GiB")
        gpu = Gpu(product="card", vendor=vendor, compute_capability=capability, memory_gib=memory)
        found = estimate(model, gpu, read_engine_args(("--max-model-len=8192",), 1, release), vllm=release)
        starts[capability] = {"outcome": found.outcome, "why": found.why, "weights": found.weights_gib}
    words = ",".join(str(answers[0].support)[:3] for answers in said.values())
    outcomes = ",".join(
        _WORDS.get(str(found["outcome"]), str(found["outcome"])[-4:]) for found in starts.values()
    )
    return item({"said": said, "starts": starts}, f"{words} {outcomes}")


_WORDS = {"starts": "ok", "unknown": "?"}


def _told(found: Estimate) -> str:
    """`starts 15.27 GiB 398112 tokens`."""
    tokens = found.kv_tokens.value
    return f"{found.outcome} {number(found.weights_gib.value)} {'-' if tokens is None else tokens}"


@cache
def _models() -> tuple[tuple[str, dict[str, Any], int], ...]:
    """Name, config.json, published parameters (0 where nobody says): the test's table, then the product's."""
    file = TESTS / "unit" / "memory" / "parameter_counts.json"
    published = [
        (one["model"], _with_positions(one["config"]), one["parameters"])
        for one in json.loads(file.read_text("utf-8"))["models"]
    ]
    known = [
        (name, _without_count(config), config["params"]) for name, config in known_models().models.items()
    ]
    return (*published, *known)


def _with_positions(config: dict[str, Any]) -> dict[str, Any]:
    """The config with many positions where it tells none: its class may have fewer than are asked for."""
    told = positions_of(config).limit is not None
    return config if told else {**config, "max_position_embeddings": 2**17}


def _without_count(config: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in config.items() if key != "params"}


def _llama() -> dict[str, Any]:
    """Llama 3.1 8B, as public as a model can be."""
    return _without_count(known_models().models["llama-3.1-8b"])
