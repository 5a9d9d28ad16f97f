"""Draft heads of speculative decoding: a layer of the model's own kind and what joins it to the model."""

from __future__ import annotations

import msgspec

from modelcar_tui.core.rounding import round_up
from modelcar_tui.models import Model, Reader
from modelcar_tui.models.weights import VOCAB_PADDING
from modelcar_tui.vllm.arguments import EngineArgs

_HEADS = ("eagle", "mtp", "medusa", "dflash")
"""Methods whose draft is a head on the model's hidden states. Any other draft is a model of its own."""
_FREE = frozenset({"ngram", "[ngram]", "ngram_gpu", "suffix"})


def draft_kind(args: EngineArgs) -> str:
    """`none`, `free` (n-grams and suffixes take no memory), `head`, or `model` (its own config is needed)."""
    if not args.speculative:
        return "none"
    named = (args.speculative_method or args.speculative_model or "").lower()
    if named in _FREE:
        return "free"
    return "head" if any(word in named for word in _HEADS) else "model"


def with_head(model: Model, args: EngineArgs, drafts: int, *, own_vocabulary: bool) -> Model:
    """`model` with its draft head as further layers, each with a KV cache of its own.

    Args:
        drafts: layers of the head, from the config's `num_nextn_predict_layers`; an EAGLE head has one.
        own_vocabulary: with an embedding and an output matrix of its own. vLLM shares the model's where they
            are equal (v1/spec_decode/llm_base_proposer.py); a head trained on another vocabulary keeps its
            own.
    """
    shape = model.shape
    at = max((index for index, kind in enumerate(shape.kinds) if kind in ("full", "mla")), default=-1)
    kind = shape.kinds[at] if at >= 0 else "full"
    predicts = "mtp" in (args.speculative_method or "").lower()
    experts = predicts and shape.experts_at[-1]
    longer = msgspec.structs.replace(
        shape,
        layers=shape.layers + drafts,
        kinds=shape.kinds + (kind,) * drafts,
        experts_at=shape.experts_at + (experts,) * drafts,
        varied=shape.varied + (shape.varied[at],) * drafts if shape.varied else (),
        own=shape.own + (shape.own[at],) * drafts if shape.own else (),
    )
    joined = (2 if predicts else 3) * shape.hidden**2
    rows = round_up(shape.vocab, VOCAB_PADDING)
    extra = drafts * joined + (2 * rows * shape.hidden if own_vocabulary else 0)
    return msgspec.structs.replace(model, shape=longer, extra=model.extra + extra * model.width)


def draft_layers(read: Reader) -> int:
    """Layers of the head that a checkpoint carries for multi-token prediction; 1 where it does not say."""
    return read.integer("num_nextn_predict_layers", "mtp_num_hidden_layers", "num_mtp_modules", high=16) or 1
