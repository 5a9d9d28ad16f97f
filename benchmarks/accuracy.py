"""The estimate beside simple formulas, against real vLLM start-ups, as Markdown tables.

    python benchmarks/accuracy.py [--cases FILE] [--by-case] [--rivals FOLDER]

Without `--cases` the start-ups of tests/accuracy are used. The formulas see the same inputs: the true number
of parameters and bits (which their authors would have to guess), the true memory of the card, the true KV
bytes of a token. Where they say nothing about the KV cache, it is what their weights leave of the card.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import statistics
import subprocess
import sys
import time
import venv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import rivals
from modelcar_tui.core.facts import GIB
from modelcar_tui.hardware.product import gpu_for
from modelcar_tui.memory.cases import answer, estimate_case, model_of
from modelcar_tui.models.quantization.storage import scheme_of

RIVALS_HEAD = "n | " + " | ".join(
    f"{whose}mean / median | mean size | within 5 % | > 5 % too much" for whose in ("", "ours: ")
)
NEAR = 0.05
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
    | {"enforce_eager", "prefix_caching", "attention_backend", "block_size", "config", "args"}
)


def main() -> int:
    parser = argparse.ArgumentParser(description="Accuracy against real start-ups.")
    parser.add_argument("--cases", type=Path, help="a list in the form of tests/accuracy")
    parser.add_argument("--by-case", action="store_true", help="one line a case too")
    parser.add_argument(
        "--rivals", type=Path, metavar="FOLDER", help="beside other tools, which are installed there"
    )
    options = parser.parse_args()
    cases = load(options.cases)
    if options.rivals:
        beside_rivals(cases, options.rivals.absolute())
        return 0
    tools: dict[str, Callable[[Case], Answer]] = {
        "modelcar-tui": lambda case: answer(case["inputs"]),
        "parameters x bits x 1.1 (predecessor)": lambda case: formula(case, 1.1, whole_gib=True),
        "parameters x dtype x 1.2 (accelerate)": lambda case: formula(case, 1.2, whole_gib=False),
        "parameters x dtype (file sizes)": lambda case: formula(case, 1.0, whole_gib=False),
    }
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
    if all("inputs" in case for case in found):
        return [{**row, "inputs": {"id": row["id"], **row["inputs"]}} for row in found]
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


def beside_rivals(cases: list[Case], folder: Path) -> None:
    """Print how far the KV tokens of other tools are off, with the sign, and ours on the same start-ups."""
    python = installed(folder)
    asked = [(case, question) for case in cases if started(case) and (question := question_of(case))]
    lines = "".join(json.dumps(question) + "\n" for _, question in asked)
    run = subprocess.run(  # our own file
        [python, HERE / "rivals.py"], input=lines, capture_output=True, text=True, check=True
    )
    answers = [json.loads(line) for line in run.stdout.splitlines()]
    print(f"| tool | {RIVALS_HEAD} |")
    print("|---" * 10 + "|")
    for name, version in rivals.PACKAGES.items():
        theirs, ours = [], []
        for (case, _), answered in zip(asked, answers, strict=True):
            own = answer(case["inputs"])["kv_tokens"]
            if name in answered and own is not None:
                theirs.append(answered[name] / case["results"]["kv_tokens"] - 1)
                ours.append(own / case["results"]["kv_tokens"] - 1)
        print(f"| {name} {version} | {len(theirs)} | {signed(theirs)} | {signed(ours)} |")
    print(f"\n{len(asked)} start-ups have a config, a card, weights and KV tokens.")


def installed(folder: Path) -> Path:
    """The Python of an environment with the tools, made where there is none."""
    python = folder / "bin" / "python"
    if not python.exists():
        venv.create(folder, with_pip=True)
        pins = [f"{name}=={version}" for name, version in rivals.PACKAGES.items()]
        subprocess.run([python, "-m", "pip", "install", "-q", *pins], check=True)
    return python


def question_of(case: Case) -> Case | None:
    """A case as the tools are asked; None where vLLM logged no tokens or the card is not known."""
    given, logged = case["inputs"], case["results"]
    config, total = (
        model_of(given).config,
        given.get("gpu_total_gib") or gpu_for(given["gpu"]).visible_gib.value,
    )
    if not config or not total or not logged.get("kv_tokens") or not logged.get("weights_gib"):
        return None
    base = {"model_type": "llama", "torch_dtype": "bfloat16", "architectures": ["LlamaForCausalLM"]}
    full = base | {key: value for key, value in config.items() if value not in (None, [])}
    return {
        "config": full,
        "gpu": given["gpu"],
        "quantized": bool(given.get("quant") or (given.get("config") or {}).get("quantization")),
        "total": total,
        "weights": logged["weights_gib"],
        "util": given.get("util") or 0.9,
        "tp": given.get("tp") or 1,
        "pp": given.get("pp") or 1,
        "width": 1 if str(given.get("kv_cache_dtype")).startswith("fp8") else 2,
        "context": given.get("max_model_len") or full.get("max_position_embeddings") or 8192,
        "batch": given.get("max_num_batched_tokens") or 8192,
        "seqs": given.get("max_num_seqs") or 1024,
    }


def signed(errors: list[float]) -> str:
    """Mean and median with their sign, the mean size, and how many are near or promise too much."""
    if not errors:
        return "- | - | - | -"
    near, most = sum(abs(error) <= NEAR for error in errors), sum(error > NEAR for error in errors)
    size = statistics.mean(abs(error) for error in errors)
    middle = f"{statistics.mean(errors):+.1%} / {statistics.median(errors):+.1%}"
    return f"{middle} | {size:.1%} | {near} | {most}"


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
