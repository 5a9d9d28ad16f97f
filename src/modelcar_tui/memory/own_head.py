"""An output matrix that the weights have and the config ties to the embedding.

vLLM looks at the checkpoint to untie them (config/vllm.py); dummies have none to look at, so that a try with
them holds one matrix where production may hold two.
"""

from __future__ import annotations

import math

import msgspec

from modelcar_tui.core.facts import GIB
from modelcar_tui.memory.types import Estimate, Outcome
from modelcar_tui.models import MeasuredStart, ModelFacts
from modelcar_tui.vllm.arguments import EngineArgs

_BYTES = 2


def own_head_gib(facts: ModelFacts, tp: int) -> float:
    """GiB of it per GPU; 0 where there is none."""
    if not (facts.config or {}).get("tie_word_embeddings"):
        return 0.0
    heads = [math.prod(one.shape) for one in facts.tensors or () if one.pattern.endswith("lm_head.weight")]
    return max(heads, default=0) * _BYTES / max(tp, 1) / GIB


def with_own_head(found: Estimate, start: MeasuredStart, facts: ModelFacts, args: EngineArgs) -> Estimate:
    """What follows from a start with dummies where the weights have one: it still serves where the KV cache
    has room for it, else nobody knows."""
    more = own_head_gib(facts, args.tp) if start.dummy and not args.pooling else 0.0
    if not more or found.outcome is not Outcome.STARTS:
        return found
    told = f"the weights have an output matrix of their own, and dummies have not: up to {more:.2f} GiB more"
    cache, at_once = found.kv_available_gib.least, found.max_concurrency.least
    if cache is not None and at_once and cache - more >= cache / at_once:
        return msgspec.structs.replace(found, notes=(*found.notes, told))
    return msgspec.structs.replace(found, outcome=Outcome.UNKNOWN, why=f"{found.why}; but {told}")
