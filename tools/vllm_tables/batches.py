"""Tokens a step and sequences at once that vLLM takes by default, as its own lines say for a card."""

from __future__ import annotations

import contextlib
from typing import Any

from vllm_judge.source import Source
from vllm_tables.lenient import Given, Platform, function, runnable

GIB = 1024**3
CARDS = {
    "small": ("Tesla T4", 75, 15 * GIB),
    "80 GiB A100": ("NVIDIA A100-SXM4-80GB", 80, 79 * GIB),
    "48 GiB": ("NVIDIA L40S", 89, 45 * GIB),
    "80 GiB H100": ("NVIDIA H100 80GB HBM3", 90, 79 * GIB),
    "141 GiB H200": ("NVIDIA H200", 90, 140 * GIB),
    "96 GiB": ("NVIDIA RTX PRO 6000 Blackwell", 120, 95 * GIB),
    "180 GiB": ("NVIDIA B200", 100, 179 * GIB),
    "GB10": ("NVIDIA GB10", 121, 119 * GIB),
}
"""Name, capability x 10 and visible memory of a card of each kind that some release treats apart."""
_CONTEXTS = ("LLM_CLASS", "OPENAI_API_SERVER")
_PATHS = ("vllm/engine/arg_utils.py",)


def batches(source: Source) -> dict[str, Any]:
    """`[tokens, sequences]` by `server 80 GiB H100`, `offline ...`; empty where the engine had none of its
    own."""
    found: dict[str, Any] = {}
    for card, (name, capability, memory) in CARDS.items():
        for context, word in zip(_CONTEXTS, ("offline", "server"), strict=True):
            with contextlib.suppress(Exception):
                pair = _asked(source, Platform(capability, memory, name), context)
                if pair is not None:
                    found[f"{word} {card}"] = pair
    return found


def _asked(source: Source, platform: Platform, context: str) -> list[int] | None:
    contexts = Given(**{name: _Context(name) for name in _CONTEXTS})
    names = {"UsageContext": contexts, "current_platform": platform, "GiB_bytes": GIB}
    usage = getattr(contexts, context)
    newer = function(source, _PATHS, "EngineArgs.get_batch_defaults")
    if newer is not None:
        tokens, sequences = runnable(newer, names)(None, 1)
        return [tokens[usage], sequences[usage]]
    older = function(source, _PATHS, "EngineArgs._set_default_args_v1")
    older = older or function(source, _PATHS, "EngineArgs._set_default_args")
    if older is None:
        return None
    model = Given(max_model_len=4096, runner_type="generate")
    arguments = Given(
        max_num_batched_tokens=None,
        max_num_seqs=None,
        enable_prefix_caching=None,
        enable_chunked_prefill=None,
    )
    arguments.create_model_config = lambda: model
    given = [usage, model][: len(older.args.args) - 1]
    runnable(older, names)(arguments, *given)
    return [arguments.max_num_batched_tokens, arguments.max_num_seqs]


class _Context(str):
    @property
    def value(self) -> str:
        return str(self)
