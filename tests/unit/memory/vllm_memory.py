"""Our figures beside vLLM's own (`tests/data/vllm/<release>/memory.jsonl`), and where they part.

`tools/vllm_judge` asked vLLM; here `agent estimate`'s function is asked the same. A difference is a *gap*: it
stands in `tests/data/vllm/known_gaps/memory.json` until it is mended, and no other may come. As a program
this takes off what is mended (`PYTHONPATH=tests`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache, partial
from pathlib import Path
from typing import Any

import msgspec

from modelcar_tui.core.facts import GIB
from modelcar_tui.hardware.product import gpu_for
from modelcar_tui.memory.estimator import estimate
from modelcar_tui.memory.types import Estimate, Outcome
from modelcar_tui.memory.weights import BUFFERS, PADDING
from modelcar_tui.models.model import describe_model
from modelcar_tui.vllm.arguments.engine_args import read_engine_args
from support import vllm_data

ON_TOP = ("allocator rounding", "absorbed kv_b")
"""Terms of our weights that no parameter or buffer of vLLM's holds: MLA keeps a quantized `kv_b` in 16 bits,
too, once it is loaded (DeepSeek R1 on 8 GPUs: 0.27 GiB in the log of 0.11.0)."""
BESIDE = (PADDING, BUFFERS)
"""Terms that are left out here: experts without a gate are padded once they are loaded (Nemotron 3 Nano in
FP8: 0.9 GiB in the logs from 0.18 on), and what else is allocated meanwhile is no module's."""
_ORDERED, _UNORDERED, _ORDER_BYTES = ("gptq", "compressed-tensors"), (0, 30), 8
"""Methods that have room for the order of each expert's inputs, and free it once the weights are loaded
(Kimi K2.5 on 8 GPUs: 1.3 GiB less in the log of 0.18.0)."""
AFTER_LOADING = {"mxfp4": (1.09, ("gt-5d76c1433a", "gt-21a125eab3"))}
"""Schemes whose weights grow once they are loaded: by how much, and the start-ups whose logs prove it."""
_SMALLEST = 2**20 / GIB
"""GiB: buffers of a model that are no weights of any layer."""
_CAPTURE = "graphs can't be captured for more"
"""vLLM refuses more sequences than states fit when it captures graphs, which the judge never does."""
_NO_MEMORY = (Outcome.OOM_LOAD, Outcome.OOM_WARMUP, Outcome.OOM_GRAPH_CAPTURE, Outcome.REFUSED_FREE_MEMORY)
_STARTS = (Outcome.STARTS, *_NO_MEMORY)
"""What is left once a model, its arguments and its cache are accepted: the card's size is not the judge's."""
_BY_DRIVER = "it depends on the GPU's driver"
"""Whether capture or the warm-up fit the card: nor is that."""
_REFUSAL = re.compile(r"(ValidationError|ValueError|NotImplementedError|AssertionError): \S")
"""vLLM's own words. Any other error tells that the config lacks a field, or of a limit of the judge's."""
_HEADLESS_GPTQ = (0, 32)
"""Before it vLLM takes GPTQ's layers for unquantized where no file of the weights tells of them, and loads no
such checkpoint (gptq_utils.py is_layer_gptq_quantized)."""
_SPARSE_KERNEL, _SPARSE = (0, 30), re.compile("kv_cache_dtype=fp8_e4m3.*use_sparse=True")
"""From here on FlashInfer 0.6.18 has sparse attention over an fp8_e4m3 cache on Hopper; the judge
has none."""
_LIMIT = re.compile(
    r"Torch not compiled|not enough values to unpack|requires Triton|V1 does not support: diffusion"
)
"""Of the judge, which has no CUDA and no Triton, and so none of vLLM's second model runner."""


class Gap(msgspec.Struct, frozen=True, kw_only=True):
    """One figure or refusal in which we differ from vLLM."""

    job: str
    what: str
    """`weights`, `kv`, `refused`, `unknown`."""
    vllm: str
    ours: str
    why: str = ""
    """Why it stays: what the judge cannot tell, what no real config.json says, or what is not modelled.
    Written by hand; a renewed list keeps it."""

    @property
    def key(self) -> tuple[str, str]:
        """What it is about, whatever the figures."""
        return self.job, self.what


def releases() -> list[str]:
    """Those whose answers about memory are kept."""
    return vllm_data.releases("memory.jsonl")


def answers(release: str) -> list[dict[str, Any]]:
    """vLLM's, without those that only tell the judge's own limits."""
    rows = [row for row in vllm_data.lines(release, "memory.jsonl") if not _wants(row, _number(release))]
    return [row for row in rows if "error" not in row or _is_refusal(row["error"])]


def _number(release: str) -> tuple[int, ...]:
    return tuple(int(part) for part in release.split("."))


def _wants(row: dict[str, Any], release: tuple[int, ...]) -> bool:
    """Whether the answer hangs on what the judge does not have: the weights' files, or FlashInfer."""
    headless = str(row.get("quantization", "")).endswith("gptq") and release < _HEADLESS_GPTQ
    kernel = release >= _SPARSE_KERNEL and bool(_SPARSE.search(str(row.get("error", ""))))
    return headless or kernel


def _is_refusal(error: str) -> bool:
    return bool(_REFUSAL.match(error)) and not _LIMIT.search(error)


@cache
def questions() -> dict[str, dict[str, Any]]:
    """Jobs by id."""
    return {row["id"]: row for row in vllm_data.lines("jobs.jsonl")}


def known() -> dict[str, list[Gap]]:
    """The known gaps by release."""
    return vllm_data.known("memory", Gap)


def ours(job: dict[str, Any], release: str, folder: Path) -> Estimate:
    """Our answer to the same question."""
    tp = job.get("tp", 1)
    room = int(job.get("kv_gib", 40.0) * GIB)
    args = (*job.get("args", ()), f"--tensor-parallel-size={tp}", f"--kv-cache-memory-bytes={room}")
    facts = vllm_data.facts(job["model"], job.get("scheme", "none"), folder)
    gpu = gpu_for(vllm_data.CARD, count=tp)
    return estimate(facts, gpu, read_engine_args(args, tp, release), vllm=release)


def gaps(release: str, folder: Path) -> Iterator[Gap]:
    """Every difference, at most one a question and kind."""
    for answer in answers(release):
        found = ours(questions()[answer["id"]], release, folder)
        if "error" in answer:
            yield from _refused(answer, found)
        else:
            yield from _accepted(answer, found, partial(_freed, questions()[answer["id"]], release, folder))


def _refused(answer: dict[str, Any], found: Estimate) -> Iterator[Gap]:
    job, why = answer["id"], answer["error"][:160]
    if found.outcome is Outcome.UNKNOWN:
        yield Gap(job=job, what="unknown", vllm=why, ours=_said(found))
    elif found.outcome in _STARTS and not (answer["stage"] == "plan" and found.outcome in _NO_MEMORY):
        yield Gap(job=job, what="refused", vllm=why, ours=str(found.outcome))


def _accepted(answer: dict[str, Any], found: Estimate, freed: Callable[[], float]) -> Iterator[Gap]:
    if found.outcome not in _STARTS and not found.why.endswith(_CAPTURE) and _BY_DRIVER not in found.why:
        what = "unknown" if found.outcome is Outcome.UNKNOWN else "refused"
        figures = f"{answer['weights'] / GIB:.3f} GiB, {answer.get('kv_tokens')} tokens"
        yield Gap(job=answer["id"], what=what, vllm=figures, ours=_said(found))
        return
    yield from _weights(answer, found, freed)
    yield from _cache(answer, found)


def _weights(answer: dict[str, Any], found: Estimate, freed: Callable[[], float]) -> Iterator[Gap]:
    """What vLLM's parameters and buffers take or more; without what comes on top, 1 % more at most, and
    without what is freed after loading."""
    beside = sum(term.value or 0.0 for term in found.weights_gib.terms if term.label in BESIDE)
    held = (found.weights_gib.value or 0.0) - beside
    on_top = sum(term.value or 0.0 for term in found.weights_gib.terms if term.label in ON_TOP)
    theirs = answer["weights"] / GIB
    more = 1.01 * next((most for name, (most, _) in AFTER_LOADING.items() if _is(answer, name)), 1.0)
    least = theirs - (freed() if held < theirs else 0.0)
    if not least - _SMALLEST <= held <= theirs * more + on_top:
        yield Gap(job=answer["id"], what="weights", vllm=f"{theirs:.3f} GiB", ours=f"{held:.3f} GiB")


def _freed(job: dict[str, Any], release: str, folder: Path) -> float:
    """GiB of the experts' orders that no kernel keeps."""
    facts = vllm_data.facts(job["model"], job.get("scheme", "none"), folder)
    model = describe_model(facts, quantization=None, dtype="auto", overrides=None)
    if isinstance(model, str) or model.shape.moe is None or model.scheme.name not in _ORDERED:
        return 0.0
    if _number(release) >= _UNORDERED or model.scheme.ordered:
        return 0.0
    moe = model.shape.moe
    inputs = moe.width + (moe.inter or 0) // job.get("tp", 1)
    return sum(model.shape.experts_at) * moe.experts * inputs * _ORDER_BYTES / GIB


def _is(answer: dict[str, Any], scheme: str) -> bool:
    return str(answer["quantization"]).endswith(scheme)


def _cache(answer: dict[str, Any], found: Estimate) -> Iterator[Gap]:
    """To a block of tokens."""
    theirs, mine = answer.get("kv_tokens"), found.kv_tokens.value
    if theirs is None and mine is None:
        return
    if theirs is None or mine is None or abs(theirs - mine) > answer["block"]:
        yield Gap(job=answer["id"], what="kv", vllm=f"{theirs} tokens", ours=f"{mine} tokens")


def _said(found: Estimate) -> str:
    return f"{found.outcome}: {found.why}"[:160]


if __name__ == "__main__":
    vllm_data.renew("memory", Gap, {release: partial(gaps, release) for release in releases()})
