"""What-if values against what the model has now: `half`, `double`, `x2`, `/4`, `32k`."""

from __future__ import annotations

import re
from collections.abc import Mapping

from modelcar_tui.core.errors import Problem, UserError
from modelcar_tui.verdict import ModelRequirements
from modelcar_tui.vllm import implied_context
from modelcar_tui.vllm.arguments import served_args

_FACTOR = re.compile(r"(?:x|\*)\s?([0-9]{1,3})|/\s?([0-9]{1,3})")
_THOUSANDS = re.compile(r"([0-9]{1,4})k", re.IGNORECASE)
_WORDS = {"half": "/2", "double": "x2", "quarter": "/4", "a half": "/2", "twice": "x2"}


def absolute(arguments: Mapping[str, str], model: ModelRequirements, vllm: str | None) -> dict[str, str]:
    """The arguments with whole values.

    Raises:
        UserError: a value relative to one that is not known.
    """
    return {flag: _value(flag, text.strip(), model, vllm) for flag, text in arguments.items()}


def _value(flag: str, text: str, model: ModelRequirements, vllm: str | None) -> str:
    if match := _THOUSANDS.fullmatch(text):
        return str(int(match[1]) * 1024)
    match = _FACTOR.fullmatch(_WORDS.get(text.casefold(), text))
    if match is None:
        return text
    now = _now(flag, model, vllm)
    if now is None:
        where = f"{flag} {text}"
        raise UserError(Problem(where=where, what="the model's own value is not known", fix="give a number"))
    changed = now * int(match[1]) if match[1] else now / max(1, int(match[2]))
    return f"{changed:.4g}" if isinstance(now, float) else str(max(1, int(changed)))


def _now(flag: str, model: ModelRequirements, vllm: str | None) -> int | float | None:
    """The value that the model is served with."""
    engine = served_args(model.car.serving, vllm)
    match flag:
        case "--max-model-len":
            return engine.max_model_len or implied_context(model.image.model.config, engine.overrides, vllm)
        case "--max-num-seqs":
            return engine.max_num_seqs
        case "--max-num-batched-tokens":
            return engine.max_num_batched_tokens
        case "--gpu-memory-utilization":
            return engine.gpu_memory_utilization
        case "--tensor-parallel-size":
            return model.car.serving.gpu_count
        case _:
            return None
