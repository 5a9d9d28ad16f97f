"""Our figures beside vLLM's own (`tests/data/vllm/<release>/memory.jsonl`), and where they part.

`tools/vllm_judge` asked vLLM; here `agent estimate`'s function is asked the same. A difference is a *gap*: it
stands in `tests/data/vllm/known_gaps/memory.json` until it is mended, and no other may come.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from modelcar_tui.core.facts import GIB
from modelcar_tui.hardware.products import gpu_for
from modelcar_tui.image.local import read_local
from modelcar_tui.memory.estimate import estimate
from modelcar_tui.memory.types import Estimate, Outcome
from modelcar_tui.models.facts import ModelFacts
from modelcar_tui.vllm.engine_args import engine_args

DATA = Path(__file__).parents[2] / "data" / "vllm"
KNOWN = DATA / "known_gaps" / "memory.json"
CARD = "NVIDIA-H200"
"""Of the judge's capability and vLLM's defaults for its size, with room for weights."""
ON_TOP = ("allocator rounding",)
"""Terms of our weights that no parameter or buffer of vLLM's holds."""
_NO_MEMORY = (Outcome.OOM_LOAD, Outcome.OOM_WARMUP, Outcome.OOM_GRAPH_CAPTURE, Outcome.REFUSED_FREE_MEMORY)
_STARTS = (Outcome.STARTS, *_NO_MEMORY)
"""What is left once a model, its arguments and its cache are accepted: the card's size is not the judge's."""
_REFUSAL = re.compile(r"(ValidationError|ValueError|NotImplementedError|AssertionError): \S")
"""vLLM's own words. Any other error tells that the config lacks a field, or of a limit of the judge's."""
_LIMIT = re.compile(r"Torch not compiled")


class Gap(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One figure or refusal in which we differ from vLLM."""

    job: str
    what: str
    """`weights`, `kv`, `limits`, `refused`, `unknown`."""
    vllm: str
    ours: str


def releases() -> list[str]:
    """Those whose answers about memory are kept."""
    return sorted((path.parent.name for path in DATA.glob("*/memory.jsonl")), key=_numbers)


def _numbers(release: str) -> tuple[int, ...]:
    return tuple(map(int, release.split(".")))


def answers(release: str) -> list[dict[str, Any]]:
    """vLLM's, without those that only tell the judge's own limits."""
    lines = (DATA / release / "memory.jsonl").read_text("utf-8").splitlines()
    return [row for row in map(json.loads, lines) if "error" not in row or _is_refusal(row["error"])]


def _is_refusal(error: str) -> bool:
    return bool(_REFUSAL.match(error)) and not _LIMIT.search(error)


@cache
def questions() -> dict[str, dict[str, Any]]:
    """Jobs by id."""
    lines = (DATA / "jobs.jsonl").read_text("utf-8").splitlines()
    return {row["id"]: row for row in map(json.loads, lines)}


@cache
def _configs() -> dict[str, dict[str, Any]]:
    lines = (DATA / "configs.jsonl").read_text("utf-8").splitlines()
    return {row["id"]: row["config"] for row in map(json.loads, lines)}


@cache
def _schemes() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((DATA / "schemes.json").read_text("utf-8"))
    return found


def config_of(job: dict[str, Any]) -> dict[str, Any]:
    """The config.json that a question is about."""
    added = _schemes()[job.get("scheme", "none")]
    return _configs()[job["model"]] | ({"quantization_config": added} if added else {})


def known() -> dict[str, list[Gap]]:
    """The gaps that are known, by release."""
    return msgspec.json.decode(KNOWN.read_bytes(), type=dict[str, list[Gap]])


def facts(job: dict[str, Any], folder: Path) -> ModelFacts:
    """What we read of the job's config.json, written into `folder`."""
    (folder / "config.json").write_text(json.dumps(config_of(job)), "utf-8")
    return read_local(str(folder)).model


def ours(job: dict[str, Any], release: str, folder: Path) -> Estimate:
    """Our answer to the same question."""
    tp = job.get("tp", 1)
    room = int(job.get("kv_gib", 40.0) * GIB)
    args = (*job.get("args", ()), f"--tensor-parallel-size={tp}", f"--kv-cache-memory-bytes={room}")
    gpu = gpu_for(CARD, count=tp)
    return estimate(facts(job, folder), gpu, engine_args(args, tp, release), vllm=release)


def gaps(release: str, folder: Path) -> Iterator[Gap]:
    """Every difference, at most one a question and kind."""
    for answer in answers(release):
        found = ours(questions()[answer["id"]], release, folder)
        yield from _compared(answer, found)


def _compared(answer: dict[str, Any], found: Estimate) -> Iterator[Gap]:
    job, refused = answer["id"], answer.get("error", "")
    said = f"{found.outcome}: {found.why}"[:160]
    if refused:
        if found.outcome in _STARTS and not (answer["stage"] == "plan" and found.outcome in _NO_MEMORY):
            yield Gap(job=job, what="refused", vllm=refused[:160], ours=str(found.outcome))
        elif found.outcome is Outcome.UNKNOWN:
            yield Gap(job=job, what="unknown", vllm=refused[:160], ours=said)
        return
    if found.outcome is Outcome.UNKNOWN:
        yield Gap(job=job, what="unknown", vllm=_figures(answer), ours=said)
        return
    if found.outcome not in _STARTS:
        yield Gap(job=job, what="refused", vllm=_figures(answer), ours=said)
        return
    yield from _weights(answer, found)
    yield from _cache(answer, found)


def _weights(answer: dict[str, Any], found: Estimate) -> Iterator[Gap]:
    """What vLLM's parameters and buffers take or more; without what comes on top, 1 % more at most."""
    held = found.weights_gib.value or 0.0
    on_top = sum(term.value or 0.0 for term in found.weights_gib.terms if term.label in ON_TOP)
    theirs = answer["weights"] / GIB
    if not theirs * 0.9999 <= held <= theirs * 1.01 + on_top:
        yield Gap(job=answer["id"], what="weights", vllm=f"{theirs:.3f} GiB", ours=f"{held:.3f} GiB")


def _cache(answer: dict[str, Any], found: Estimate) -> Iterator[Gap]:
    """To a block: the tokens that its size makes of one more or less."""
    theirs, mine = answer.get("kv_tokens"), found.kv_tokens.value
    if theirs is None and mine is None:
        return
    block = answer["block"] if theirs is not None else 0
    if theirs is None or mine is None or abs(theirs - mine) > block:
        yield Gap(job=answer["id"], what="kv", vllm=f"{theirs} tokens", ours=f"{mine} tokens")


def _figures(answer: dict[str, Any]) -> str:
    return f"{answer['weights'] / GIB:.3f} GiB, {answer.get('kv_tokens')} tokens"
