"""`agent estimate --cases`: start-ups that are described in a YAML list, sized one by one.

Only what a user would have given is read of a case; what vLLM answered (its `*_gib` results, tokens, blocks,
outcome, error) is not looked at. A case has its arguments as `args`, a list or a line as vLLM takes them, or
as fields of its own (`tp`, `max_model_len`, `util`); where it has both, `args` win.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from modelcar_tui.core.errors import Problem, UserError
from modelcar_tui.core.facts import Fact, Source
from modelcar_tui.core.text import clean
from modelcar_tui.hardware import Gpu, gpu_for
from modelcar_tui.manifest import masked_arguments
from modelcar_tui.memory.case_arguments import arguments_of, flags_of
from modelcar_tui.memory.case_fields import fields_as_flags, with_flags
from modelcar_tui.memory.estimator import estimate
from modelcar_tui.memory.types import Estimate, Outcome
from modelcar_tui.models import ModelFacts, Reader, model_of_name, model_of_sizes
from modelcar_tui.vllm.arguments import EngineArgs, read_engine_args

_LIMIT = 64 * 1024 * 1024
_CLASS = re.compile(r"(\d+(?:\.\d+)?)\s*GB?\b", re.IGNORECASE)
_FREE = re.compile(r"(\d+(?:\.\d+)?)\s*GiB free", re.IGNORECASE)
_COUNT = re.compile(r":\d{1,4}$")
_FIGURES = ("weights", "activation", "non_torch", "cuda_graph", "kv_available")
_PROMISED = ("kv_available_gib", "kv_tokens")
"""Figures with the bounds that stand beside them: the lower end is what is promised."""

Hear = Callable[[Estimate, ModelFacts, Gpu, tuple[str, ...], str | None], Estimate]
"""What else is said of a start: its estimate, model, GPU, arguments and release."""


def run_cases(path: Path, hear: Hear | None = None) -> Iterator[dict[str, Any]]:
    """One mapping per case: `id`, the figures in GiB, `kv_tokens`, `max_concurrency`, `verdict` and `why`.

    Figures that are not known are None. The KV cache's have bounds beside them, `kv_tokens_low` (what is
    promised) and `kv_tokens_high`, which are the figure itself where nothing is open.

    Args:
        hear: what the command line hears beside memory (`advice.objections`).

    Raises:
        UserError: the file can't be read, or is not a YAML list of mappings.
    """
    for index, case in enumerate(_load(path)):
        yield answer(case if isinstance(case, Mapping) else {}, index, hear)


_NUMBERS = frozenset(
    {"tp", "pp", "dp", "dcp", "max_model_len", "util", "max_num_seqs", "max_num_batched_tokens", "block_size"}
    | {"gpu_total_gib", "gpu_free_at_start_gib", "params"}
)
_FLAGS = frozenset({"ep", "enforce_eager", "prefix_caching"})
_NUMBER = re.compile(r"\s*(-?\d[\d,_]*(?:\.\d+)?)\s*(k|m|%|gib|gb)?\s*(?:tokens)?\s*", re.IGNORECASE)
_TIMES = {"k": 1024, "m": 2**20, "%": 0.01}


def _read(case: Mapping[str, Any]) -> dict[str, Any]:
    """The case with numbers and flags that were written as words: `'8,192'`, `8k`, `90%`, `auto`, `yes`."""
    found = dict(case)
    for name in _NUMBERS & found.keys():
        value = found[name]
        if not isinstance(value, str):
            continue
        match = _NUMBER.fullmatch(value)
        if match:
            found[name] = float(re.sub("[,_]", "", match[1])) * _TIMES.get((match[2] or "").lower(), 1)
        elif value.strip().lower() == "auto" and name == "max_model_len":
            found[name] = -1
    for name in _FLAGS & found.keys():
        if isinstance(found[name], str):
            found[name] = found[name].strip().lower() in ("true", "yes", "on", "1")
    return found


def answer(case: Mapping[str, Any], index: int = 0, hear: Hear | None = None) -> dict[str, Any]:
    """The line of one case."""
    result = estimate_case(case, hear)
    given = case.get("id")
    line: dict[str, Any] = {"id": clean(str(given), limit=200) if given is not None else f"case-{index + 1}"}
    for name in _FIGURES:
        line[f"{name}_gib"] = _rounded(getattr(result, f"{name}_gib").value)
    line["kv_tokens"] = result.kv_tokens.value
    for name in _PROMISED:
        fact = getattr(result, name)
        for end in ("low", "high"):
            bound = getattr(fact, end)
            line[f"{name}_{end}"] = _rounded(fact.value if bound is None else bound)
    line["max_concurrency"] = _rounded(result.max_concurrency.value)
    line["verdict"] = str(result.outcome)
    line["why"] = result.why
    return line


def estimate_case(case: Mapping[str, Any], hear: Hear | None = None) -> Estimate:
    """The estimate of one case, from its inputs only, without the figures that take a search."""
    case = _read(case)
    read, told = Reader(case), case.get("vllm")
    vllm = None if told is None else str(told)[:200]
    try:
        given = arguments_of(case)
    except ValueError as error:
        return Estimate(outcome=Outcome.UNKNOWN, why=f"its `args` can't be read: {error}")
    model, gpu = model_of(case), _gpu(case, read)
    told = fields_as_flags(case, read, vllm)
    words = masked_arguments((*flags_of(case, read), *told, *given))
    args = read_engine_args(words, None, vllm) if given else with_flags(_args(case, read), told, vllm)
    result = estimate(model, gpu, args, vllm=vllm, derive=False)
    # Of a card that is only called by its class, such as 80 GB, nothing else can be said.
    return hear(result, model, gpu, words, vllm) if hear and gpu.compute_capability else result


def model_of(case: Mapping[str, Any]) -> ModelFacts:
    config, read = case.get("config"), Reader(case)
    name, told = read.text("model"), read.text("quant").removeprefix("from checkpoint: ")
    if not isinstance(config, Mapping) or not config:
        return model_of_name(name, told)
    arch = case.get("arch")
    return model_of_sizes(
        config,
        arch=arch if isinstance(arch, str) else "",
        name=name,
        parameters=Reader(config, case).integer("params", high=10**14),
        quantization=told,
    )


def _gpu(case: Mapping[str, Any], read: Reader) -> Gpu:
    """The card; idle where nothing else is said, as the command line takes it."""
    product = _COUNT.sub("", clean(str(case.get("gpu") or "unknown"), limit=200))
    gpu = gpu_for(product)
    total = read.number("gpu_total_gib", low=0.1, high=1e4)
    free = read.number("gpu_free_at_start_gib", low=0.0, high=1e4)
    told = _FREE.search(product)
    if free is None and told:
        free = float(told.group(1))
    size = _CLASS.search(product)
    if total is None and size and not gpu.visible_gib.known and "+" not in product:
        total = _of_class(float(size.group(1)), free)
    visible = gpu.visible_gib if total is None else _given(total)
    capability = case.get("gpu_cap")
    return Gpu(
        product=product,
        vendor=gpu.vendor,
        memory_gib=gpu.memory_gib if gpu.memory_gib.known else visible,
        visible_gib=visible,
        free_gib=Fact[float]() if free is None else _given(free),
        compute_capability=str(capability)[:20] if capability else gpu.compute_capability,
        sms=gpu.sms,
    )


def _of_class(nominal: float, free: float | None) -> float:
    """What vLLM sees of a card that is only called `24 GB class`."""
    return nominal * 0.99 if nominal >= 70 else max(nominal * 0.98, (free or 0.0) + 0.45)


def _given(value: float) -> Fact[float]:
    return Fact(value=value, source=Source.OPERATOR, unit="GiB")


def _args(case: Mapping[str, Any], read: Reader) -> EngineArgs:
    tp = read.integer("tp", high=1024) or 1
    return EngineArgs(
        tp=tp,
        pp=read.integer("pp", high=1024) or 1,
        dp=read.integer("dp", high=4096) or 1,
        dcp=read.integer("dcp", high=1024) or 1,
        ep=read.flag("ep") is True,
        dtype=read.text("dtype") or "auto",
        kv_cache_dtype=read.text("kv_cache_dtype") or "auto",
        max_model_len=read.integer("max_model_len", low=-1, high=2**31) or None,
        gpu_memory_utilization=read.number("util", low=0.0, high=1.0),
        max_num_seqs=read.integer("max_num_seqs", high=2**24),
        max_num_batched_tokens=read.integer("max_num_batched_tokens", high=2**24),
        block_size=read.integer("block_size", high=2**16),
        enforce_eager=read.flag("enforce_eager") is True,
        prefix_caching=read.flag("prefix_caching"),
    )


def _load(path: Path) -> list[Any]:
    import yaml

    try:
        if path.stat().st_size > _LIMIT:
            raise UserError(Problem(what="is larger than 64 MiB", where=str(path), fix="split it"))
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        found = yaml.load(path.read_bytes(), Loader=loader)  # noqa: S506  # a safe loader
    except OSError as error:
        raise UserError(Problem(what=error.strerror or "can't be read", where=str(path))) from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise UserError(
            Problem(what=f"is not YAML: {clean(str(error), limit=200)}", where=str(path))
        ) from error
    if isinstance(found, Mapping) and isinstance(found.get("cases"), list):
        found = found["cases"]
    if not isinstance(found, list):
        raise UserError(Problem(what="is not a list of cases", where=str(path), fix="see docs/accuracy.md"))
    return found


def _rounded(value: float | None) -> float | None:
    return round(value, 4) if value is not None and math.isfinite(value) else None
