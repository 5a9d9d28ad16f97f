"""Measured starts as rows of the form in which real start-ups are collected, for others to read."""

from __future__ import annotations

import math
import re
from typing import Any

import yaml

from modelcar_tui.hardware import gpu_for
from modelcar_tui.memory import measured_args
from modelcar_tui.verdict import Kept
from modelcar_tui.vllm.arguments import EngineArgs, is_of_account, parse_arguments

HEAD = """\
# Starts of vLLM that were measured with modelcar-tui. Units: GiB = 1024^3. kv_tokens is the logged size of
# the KV cache. config holds the values of the model's config.json that matter.
# `agent estimate --cases FILE` reads it.
"""
SOURCE = "own measurement (modelcar-tui try)"
_NAMELESS = "(not stated)"
_FIGURES = {
    "weights_gib": "weights_gib",
    "activation_gib": "activation_gib",
    "non_torch_gib": "non_torch_gib",
    "kv_cache_gib": "kv_avail_gib",
    "kv_tokens": "kv_tokens",
    "kv_blocks": "gpu_blocks",
    "concurrency": "max_concurrency",
    "graphs_gib": "graph_gib",
    "graphs_estimated_gib": "graph_est_gib",
    "requested_gib": "requested_gib",
}
"""Figures of a log, and what they are called there."""
_PLACE = re.compile(
    r"\w+://\S*|(?<![\w.])~?/[^\s'\"]*|\b(?:[\w-]+\.)+[a-z]{2,}(?::\d+)?(?:/\S*)?|\b\d+(?:\.\d+){3}\b"
)
"""Addresses, paths, hosts, registries."""
_HIDDEN = "(left out)"


def rows_of(kept: tuple[Kept, ...], *, anonymous: bool = False) -> list[dict[str, Any]]:
    """One row a start: no host, namespace, node, path or address; the model's name unless `anonymous`."""
    return [_row(one, anonymous=anonymous) for one in kept]


def as_yaml(rows: list[dict[str, Any]]) -> str:
    """The rows as a file."""
    return HEAD + yaml.safe_dump(rows, sort_keys=False, allow_unicode=True, width=150)


def _row(kept: Kept, *, anonymous: bool) -> dict[str, Any]:
    start, args = kept.start, measured_args(kept.start)
    card = gpu_for(start.gpu, memory_mib=start.memory_mib)
    figures = {name: value for name, value in start.figures.items() if math.isfinite(value)}
    row: dict[str, Any] = {
        "id": start.id,
        "kind": "memory",
        "model": _NAMELESS if anonymous else _without_places(start.model),
        "arch": kept.arch,
        "vllm": start.vllm,
        "gpu": start.gpu,
        "gpu_cap": card.compute_capability,
        "gpu_total_gib": figures.get("total_gib", card.visible_gib.value),
        "gpu_free_at_start_gib": figures.get("free_gib"),
        **_asked(args),
        "quant": args.quantization or (f"from checkpoint: {kept.quantization}" if kept.quantization else ""),
        "max_model_len": args.max_model_len or _whole(figures.get("max_model_len")),
        "args": words_of(start.args, start.vllm),
        **{name: _plain(figures.get(what)) for what, name in _FIGURES.items()},
        "outcome": {"starts": "started"}.get(start.outcome, start.outcome),
        "error": _error(kept, anonymous=anonymous),
        "config": kept.config | ({"params": kept.parameters} if kept.parameters else {}),
        "notes": "weights were dummies (--load-format dummy)" if start.dummy else "",
        "source_kind": SOURCE,
    }
    return {name: value for name, value in row.items() if value not in (None, "", {}, [])}


def _asked(args: EngineArgs) -> dict[str, Any]:
    return {
        "tp": args.tp,
        "pp": args.pp,
        "dp": args.dp,
        "dtype": args.dtype,
        "kv_cache_dtype": args.kv_cache_dtype,
        "util": args.gpu_memory_utilization,
        "max_num_batched_tokens": args.max_num_batched_tokens,
        "max_num_seqs": args.max_num_seqs,
        "enforce_eager": args.enforce_eager or None,
    }


def words_of(args: tuple[str, ...], vllm: str) -> list[str]:
    """The arguments that decide, as they were written; none that holds a place."""
    kept: list[str] = []
    for one in parse_arguments(args, vllm):
        words = args[one.index : one.index + one.items]
        if one.flag is not None and is_of_account(one.name) and not any(map(_PLACE.search, words)):
            kept += words
    return kept


def _error(kept: Kept, *, anonymous: bool) -> str:
    text = _without_places(kept.start.error)
    return text.replace(kept.start.model, _NAMELESS) if anonymous and kept.start.model else text


def _without_places(text: str) -> str:
    return _PLACE.sub(_HIDDEN, text)


def _plain(value: float | None) -> float | int | None:
    return int(value) if value is not None and value == int(value) else value


def _whole(value: float | None) -> int | None:
    return None if value is None else int(value)
