"""What other tools say of the same start-ups; `accuracy.py --rivals FOLDER` runs it in their environment.

Reads questions as JSON lines and writes an answer for each: KV tokens by tool, absent where it gives none. A
question has the config.json, the card's real memory, the weights that vLLM logged and the bytes of a cached
number: what these tools would have to fetch or guess is given to them.
"""

from __future__ import annotations

import importlib
import io
import json
import sys
import tempfile
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from types import SimpleNamespace
from typing import Any

GIB = 1024**3
PACKAGES = {
    "kvfit": "0.3.0",
    "hf-mem": "0.5.6",
    "llm-d-planner": "0.3.3",
    "aiconfigurator-core": "0.12.0",
    "modelinfo-cli": "1.4.4",
}
_SYSTEMS = ("h100", "h200", "b200", "a100", "l40s", "l4")
_MEASURED = "0.24.0"
"""The release that aiconfigurator-core has measurements of."""
Question = dict[str, Any]


def kvfit(asked: Question) -> float | None:
    """Its plan's room beside the weights, over what it takes for one sequence of the whole context."""
    architectures = importlib.import_module("kvfit.architectures")
    planner, hardware = importlib.import_module("kvfit.planner"), importlib.import_module("kvfit.hardware")
    cache = architectures.estimate_cache(
        asked["config"], context_tokens=asked["context"], kv_bytes=float(asked["width"])
    )
    ranks = asked["tp"] * asked["pp"]
    (layout,) = planner.plan_topologies(
        cache,
        weight_bytes=int(asked["weights"] * ranks * GIB),
        hardware=hardware.Hardware("card", "card", asked["total"]),
        gpus=ranks,
        utilization=asked["util"],
        tensor_parallel=ranks,
    )
    room = layout.budget_per_rank_bytes - layout.weights_per_rank_bytes - layout.fixed_cache_per_rank_bytes
    each = layout.kv_per_sequence_per_rank_bytes
    return room / each * asked["context"] if each else None


def hf_mem(asked: Question) -> float | None:
    """All cards' memory less the weights, over its KV cache of one request."""
    tool = importlib.import_module("hf_mem.safetensors.kv_cache")
    config, dtype = _text(asked["config"]), "F8_E4M3" if asked["width"] == 1 else "BF16"
    whole = tool.compute_safetensors_kv_cache_size(config, dtype, asked["context"])
    return _room(asked) / (whole / asked["context"]) if whole else None


def llm_d_planner(asked: Question) -> float | None:
    """Its allocatable memory over its bytes of a token; an 8-bit cache, which it has no word for, halves
    them."""
    tool: Any = importlib.import_module("planner.capacity_planner")
    ranks = asked["tp"] * asked["pp"]
    tool.model_memory_req = lambda *_, **__: asked["weights"] * ranks  # it would ask the hub
    config = _named(asked["config"])
    detail = tool.KVCacheDetail("model", config, 1)
    left = tool.allocatable_kv_cache_memory(
        "model",
        config,
        asked["total"],
        asked["util"],
        asked["tp"],
        asked["pp"],
        max_model_len=asked["context"],
    )
    each = detail.per_token_memory_bytes * asked["width"] / detail.precision_in_bytes
    return left * GIB / each if each else None


def aiconfigurator(asked: Question) -> float | None:
    """Its own estimate, with its own weights, on the system of that card; not for quantized models, of which
    it reads other files."""
    name = asked["gpu"].lower()
    card = next((card for card in _SYSTEMS if card in name), None)
    if card is None or asked["quantized"]:
        return None
    experts = any("experts" in key for key in _text(asked["config"]))
    system = card if card.startswith("l4") else f"{card}_sxm"
    estimate = importlib.import_module("aiconfigurator_core.sdk.memory").estimate_kv_cache
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "config.json").write_text(json.dumps(asked["config"]), "utf-8")
        found = estimate(
            folder,
            system,
            "vllm",
            _MEASURED,
            max_num_tokens=asked["batch"],
            max_batch_size=asked["seqs"],
            memory_fraction_kind="of_total",
            memory_fraction_value=asked["util"],
            tp_size=asked["tp"],
            pp_size=asked["pp"],
            moe_tp_size=asked["tp"] if experts else None,
            moe_ep_size=1 if experts else None,
            kvcache_quant_mode="fp8" if asked["width"] == 1 else None,
            gpu_memory_capacity_bytes_override=int(asked["total"] * GIB),
        )
    return float(found["total_kv_size_tokens"])


def modelinfo(asked: Question) -> float | None:
    """Its `max_serving_capacity` with `--vllm`, NVLink between cards of 70 GiB and more."""
    tool = importlib.import_module("modelinfo.calculator")
    ranks = asked["tp"] * asked["pp"]
    size = {"__metadata__": {"lazy_fetch": True, "total_size": asked["weights"] * ranks * GIB}}
    found = tool.calculate_footprint(
        size,
        context_length=asked["context"],
        config=_text(asked["config"]),
        gpu_count=ranks,
        topology="nvlink" if asked["total"] >= 70 else "pcie4",
        is_vllm=True,
        gpu_vram_bytes=asked["total"] * ranks * GIB,
        gpu_util=asked["util"],
    )
    return float(found["vllm_metrics"]["max_serving_capacity"])


TOOLS: dict[str, Callable[[Question], float | None]] = {
    "kvfit": kvfit,
    "hf-mem": hf_mem,
    "llm-d-planner": llm_d_planner,
    "aiconfigurator-core": aiconfigurator,
    "modelinfo-cli": modelinfo,
}


def _text(config: dict[str, Any]) -> dict[str, Any]:
    inner = config.get("text_config")
    return {**config, **inner} if isinstance(inner, dict) else config


def _room(asked: Question) -> float:
    ranks = asked["tp"] * asked["pp"]
    return float((asked["total"] * asked["util"] - asked["weights"]) * ranks * GIB)


def _named(config: Any) -> Any:
    """The config as an object, as transformers would give it."""
    if isinstance(config, dict):
        return SimpleNamespace(**{key: _named(value) for key, value in config.items() if value is not None})
    return config


def answer(asked: Question) -> dict[str, float]:
    """KV tokens by tool; a tool that stops, or sees no room, gives none."""
    found: dict[str, float] = {}
    for name, tool in TOOLS.items():
        with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            try:
                tokens = tool(asked)
            except Exception:  # whatever another tool raises is its answer: none
                continue
        if tokens is not None and tokens > 0:
            found[name] = tokens
    return found


if __name__ == "__main__":
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line))), flush=True)
