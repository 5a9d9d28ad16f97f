"""The estimate beside simple formulas, against real vLLM start-ups, as Markdown tables.

    python benchmarks/accuracy.py [--cases FILE.yaml] [--by-case]

Without `--cases` the start-ups of tests/accuracy are used. The formulas see the same inputs: the true number
of parameters and bits (which their authors would have to guess), the true memory of the card, the true KV
bytes of a token. Where they say nothing about the KV cache, it is what their weights leave of the card.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib
import json
import math
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any, cast

from modelcar_tui.core.facts import GIB
from modelcar_tui.memory.cases import answer, estimate_case
from modelcar_tui.models.fragments import complete
from modelcar_tui.models.storage import scheme_of

HEAD = "weights: median | within 3 % | KV tokens: mean | worst | within 5 % | dead, called `starts` |"
HERE = Path(__file__).resolve().parent
Case = dict[str, Any]
Answer = dict[str, Any]
INPUTS = frozenset(
    {
        "id",
        "model",
        "arch",
        "vllm",
        "gpu",
        "gpu_cap",
        "gpu_total_gib",
        "gpu_free_at_start_gib",
        "tp",
        "pp",
        "dp",
        "ep",
    }
    | {"dtype", "quant", "kv_cache_dtype", "max_model_len", "util", "max_num_seqs", "max_num_batched_tokens"}
    | {"enforce_eager", "prefix_caching", "attention_backend", "block_size", "config"}
)


def main() -> int:
    parser = argparse.ArgumentParser(description="Accuracy against real start-ups.")
    parser.add_argument("--cases", type=Path, help="a YAML list in the form of the ground truth")
    parser.add_argument("--by-case", action="store_true", help="one line a case too")
    options = parser.parse_args()
    cases = load(options.cases)
    tools: dict[str, Callable[[Case], Answer]] = {
        "modelcar-tui": lambda case: answer(case["inputs"]),
        "parameters x bits x 1.1 (predecessor)": lambda case: formula(case, 1.1, whole_gib=True),
        "parameters x dtype x 1.2 (accelerate)": lambda case: formula(case, 1.2, whole_gib=False),
        "parameters x dtype (file sizes)": lambda case: formula(case, 1.0, whole_gib=False),
    }
    if peer() is not None:
        tools["aiconfigurator-core, unquantized on H100"] = of_peer
    answers = {name: [run(case) for case in cases] for name, run in tools.items()}
    print(f"| | {HEAD}")
    print("|---|---|---|---|---|---|---|")
    for name, lines in answers.items():
        print(f"| {name} | {row(cases, lines)} |")
    print()
    print(f"| by group | {HEAD}")
    print("|---|---|---|---|---|---|---|")
    for name, chosen in groups(cases).items():
        picked = [
            (case, line) for case, line in zip(cases, answers["modelcar-tui"], strict=True) if chosen(case)
        ]
        print(f"| {name} | {row([case for case, _ in picked], [line for _, line in picked])} |")
    print()
    print(verdicts(cases, answers["modelcar-tui"]))
    print(speed(cases))
    if options.by_case:
        by_case(cases, answers["modelcar-tui"])
    return 0


def load(path: Path | None) -> list[Case]:
    if path is None:
        rows: list[Case] = json.loads((HERE.parent / "tests" / "accuracy" / "startups.json").read_text())
        return [{**row, "inputs": {"id": row["id"], **row["inputs"]}} for row in rows]
    import yaml

    found = yaml.safe_load(path.read_text())
    return [
        {
            "id": case["id"],
            "inputs": {name: value for name, value in case.items() if name in INPUTS},
            "results": {name: value for name, value in case.items() if name not in INPUTS},
        }
        for case in found
    ]


def formula(case: Case, factor: float, *, whole_gib: bool) -> Answer:
    """What a factor on the size of the weights says."""
    inputs = case["inputs"]
    config = inputs.get("config") or {}
    parameters = config.get("params")
    if not parameters:
        return {"weights_gib": None, "kv_tokens": None, "verdict": "unknown"}
    units = (inputs.get("tp") or 1) * (inputs.get("pp") or 1)
    scheme = scheme_of(None, inputs.get("quant"), str(config.get("quantization") or ""))
    needed = parameters * scheme.bits / 8 / GIB
    with_rest = math.ceil(needed * factor) if whole_gib else needed * factor
    known = estimate_case(inputs)
    total, per_token = inputs.get("gpu_total_gib"), known.kv_bytes_per_token.value
    if total is None:
        return {"weights_gib": with_rest / units, "kv_tokens": None, "verdict": "unknown"}
    left = total * (inputs.get("util") or 0.9) - with_rest / units
    tokens = int(max(0.0, left) * GIB / per_token) if per_token else None
    return {
        "weights_gib": with_rest / units,
        "kv_tokens": tokens,
        "verdict": "starts" if left > 0 else "oom_load",
    }


def peer() -> Callable[..., dict[str, Any]] | None:
    """aiconfigurator-core's estimate, where it is installed (`pip install aiconfigurator-core`)."""
    try:
        found = importlib.import_module("aiconfigurator_core.sdk.memory").estimate_kv_cache
    except ImportError:
        return None
    return cast("Callable[..., dict[str, Any]]", found)


def of_peer(case: Case) -> Answer:
    """Its KV tokens where it knows the architecture; not for quantized models, which it reads from other
    files."""
    inputs, nothing = case["inputs"], {"weights_gib": None, "kv_tokens": None, "verdict": "unknown"}
    config, run = inputs.get("config"), peer()
    if (
        run is None
        or not config
        or "H100" not in inputs["gpu"]
        or inputs.get("quant")
        or config.get("quantization")
    ):
        return nothing
    if not inputs.get("gpu_total_gib") or not inputs.get("util"):
        return nothing
    full = {"model_type": "llama", "torch_dtype": "bfloat16", "architectures": ["LlamaForCausalLM"]}
    full |= complete(config, inputs.get("arch") or "")
    with tempfile.TemporaryDirectory() as folder, redirect_stdout(StringIO()), redirect_stderr(StringIO()):
        Path(folder, "config.json").write_text(json.dumps(full))
        try:
            found = run(
                folder,
                "h100_sxm",
                "vllm",
                "0.24.0",
                max_num_tokens=inputs.get("max_num_batched_tokens") or 8192,
                max_batch_size=inputs.get("max_num_seqs") or 1024,
                memory_fraction_kind="of_total",
                memory_fraction_value=inputs["util"],
                tp_size=inputs.get("tp") or 1,
                gpu_memory_capacity_bytes_override=int(inputs["gpu_total_gib"] * GIB),
            )
        except ValueError:
            return nothing
    return {**nothing, "kv_tokens": found["total_kv_size_tokens"]}


def row(cases: list[Case], lines: list[Answer]) -> str:
    pairs = [(c, line) for c, line in zip(cases, lines, strict=True) if started(c)]
    off = [
        (abs(line["weights_gib"] - c["results"]["weights_gib"]), c["results"]["weights_gib"])
        for c, line in pairs
        if c["results"].get("weights_gib") and line["weights_gib"] is not None
    ]
    tokens = [
        abs(line["kv_tokens"] / c["results"]["kv_tokens"] - 1)
        for c, line in pairs
        if c["results"].get("kv_tokens") and line["kv_tokens"] is not None
    ]
    wrong = [c for c, line in zip(cases, lines, strict=True) if line["verdict"] == "starts" and not lived(c)]
    weights = "- | -"
    if off:
        near = sum(error <= 0.03 * size for error, size in off) / len(off)
        weights = f"{statistics.median(error for error, _ in off):.3f} GiB of {len(off)} | {near:.0%}"
    cache = "- | - | -"
    if tokens:
        near = sum(error <= 0.05 for error in tokens) / len(tokens)
        cache = f"{statistics.mean(tokens):.2%} of {len(tokens)} | {max(tokens):.1%} | {near:.0%}"
    return f"{weights} | {cache} | {len(wrong)}"


def groups(cases: list[Case]) -> dict[str, Callable[[Case], bool]]:
    def quantized(case: Case) -> bool:
        return bool(case["inputs"].get("quant") or (case["inputs"].get("config") or {}).get("quantization"))

    def h100(case: Case) -> bool:
        return "H100" in case["inputs"]["gpu"] and str(case["inputs"]["vllm"]).startswith("0.19")

    def half(case: Case) -> int:
        return hashlib.sha256(str(case["inputs"].get("model")).lower().encode()).digest()[0] % 2

    return {
        "H100, 0.19, unquantized": lambda case: h100(case) and not quantized(case),
        "H100, 0.19, quantized": lambda case: h100(case) and quantized(case),
        "other versions and cards": lambda case: not h100(case),
        "half of the models A": lambda case: half(case) == 1,
        "half of the models B": lambda case: half(case) == 0,
    }


def verdicts(cases: list[Case], lines: list[Answer]) -> str:
    pairs = list(zip(cases, lines, strict=True))
    known = [(case, line) for case, line in pairs if lived(case) and case["inputs"].get("config")]
    right = sum(line["verdict"] == "starts" for _, line in known)
    without = [line for case, line in pairs if lived(case) and not case["inputs"].get("config")]
    named = sum(line["verdict"] == "starts" for line in without)
    dead = [(case, line) for case, line in pairs if not lived(case)]
    same = sum(line["verdict"] == case["results"]["outcome"] for case, line in dead)
    open_ = sum(line["verdict"] == "unknown" for _, line in dead)
    dead_alive = sum(line["verdict"] == "starts" for _, line in dead)
    return (
        f"Verdicts: {right} of {len(known)} starts with a known config are called `starts`; of "
        f"{len(without)} without one {named} by their name. Of {len(dead)} refusals and deaths {same} are "
        f"named as by vLLM, {open_} are `unknown`, {dead_alive} are called `starts`."
    )


def speed(cases: list[Case]) -> str:
    inputs = [case["inputs"] for case in cases if case["inputs"].get("config")]
    for one in inputs:
        answer(one)
    begin = time.process_time()
    for one in inputs:
        answer(one)
    each = (time.process_time() - begin) / len(inputs) * 1000
    return f"CPU of one case, reading its config included: {each:.2f} ms."


def by_case(cases: list[Case], lines: list[Answer]) -> None:
    print()
    print("| case | model | vLLM | tp | weights | ours | KV tokens | ours | outcome | ours |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for case, line in zip(cases, lines, strict=True):
        given, logged = case["inputs"], case["results"]
        cells = [
            case["id"],
            given.get("model"),
            str(given.get("vllm"))[:8],
            given.get("tp"),
            logged.get("weights_gib"),
        ]
        cells += [
            line["weights_gib"],
            logged.get("kv_tokens"),
            line["kv_tokens"],
            logged.get("outcome"),
            line["verdict"],
        ]
        print("| " + " | ".join("-" if cell is None else str(cell) for cell in cells) + " |")


def started(case: Case) -> bool:
    return lived(case) and bool(case["inputs"].get("config"))


def lived(case: Case) -> bool:
    return bool(case["results"].get("outcome") == "started")


if __name__ == "__main__":
    sys.exit(main())
