"""Measured starts made of the accuracy tests' real start-ups."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from modelcar_tui.hardware import Gpu
from modelcar_tui.memory.case_arguments import arguments_of, flags_of
from modelcar_tui.memory.case_fields import fields_as_flags
from modelcar_tui.memory.cases import _gpu, _read, model_of
from modelcar_tui.models import MeasuredStart, ModelFacts, Reader, model_fingerprint

_FOLDER = Path(__file__).parents[1] / "accuracy"
_FIGURES = {
    "weights_gib": "weights_gib",
    "activation_gib": "activation_gib",
    "non_torch_gib": "non_torch_gib",
    "graph_gib": "graphs_gib",
    "graph_est_gib": "graphs_estimated_gib",
    "kv_avail_gib": "kv_cache_gib",
    "kv_tokens": "kv_tokens",
    "max_concurrency": "concurrency",
}
AT = 1_790_000_000.0


class Row(NamedTuple):
    """One real start-up, as the product would have measured it."""

    facts: ModelFacts
    gpu: Gpu
    words: tuple[str, ...]
    vllm: str
    start: MeasuredStart

    @property
    def with_start(self) -> ModelFacts:
        return msgspec.structs.replace(self.facts, measured=(self.start,))


@cache
def rows() -> tuple[Row, ...]:
    """Those whose model has a config.json."""
    cases = [
        case
        for name in ("startups", "startups-2")
        for case in json.loads((_FOLDER / f"{name}.json").read_text())
    ]
    made = (_row(case["id"], _read(case["inputs"]), case["results"]) for case in cases)
    return tuple(row for row in made if row.facts.config is not None)


def row(id_: str) -> Row:
    return next(one for one in rows() if one.start.id == id_)


def _row(id_: str, case: dict[str, Any], results: dict[str, Any]) -> Row:
    read, vllm = Reader(case), str(case["vllm"])
    words = (*flags_of(case, read), *fields_as_flags(case, read, vllm), *arguments_of(case))
    gpu, facts = _gpu(case, read), model_of(case)
    figures = {
        _FIGURES[name]: float(value)
        for name, value in results.items()
        if name in _FIGURES and isinstance(value, int | float)
    }
    for name, what in (("gpu_total_gib", "total_gib"), ("gpu_free_at_start_gib", "free_gib")):
        if case.get(name):
            figures[what] = case[name]
    memory = gpu.memory_gib.value
    start = MeasuredStart(
        id=id_,
        at=AT,
        model=str(case["model"]),
        fingerprint=model_fingerprint(facts),
        gpu=gpu.product,
        memory_mib=None if memory is None else round(memory * 1024),
        gpus=int(case.get("tp") or 1),
        vllm=vllm,
        args=words,
        outcome={"started": "starts"}.get(results["outcome"], results["outcome"]),
        figures=figures,
    )
    return Row(facts, gpu, words, vllm, start)
