"""Attention backends that can't run the model, and block sizes or cache dtypes that none of them takes.

Every backend says what it can do (`AttentionBackend.validate_configuration`); what is asked for by name is
refused for any reason, what is left open only where no backend is left (platforms/cuda.py
`get_attn_backend_cls`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from modelcar_tui.models.shape import Shape
from modelcar_tui.vllm.refused.asked import Asked, Refusal, Refusals
from modelcar_tui.vllm.value_table import attention_table

BACKEND, BLOCK, CACHE = "--attention-backend", "--block-size", "--kv-cache-dtype"
_CONFIG = "--attention-config"
_BACKENDS, _CHOICES = "backends", "choices"
_BLOCKS_SELECT, _BLOCKS_CHECKED = "0.18.0", "0.13.0"
"""Since when a block size that is given takes part in the choice, and since when the runner refuses it later
(`select_common_block_size`)."""
_DTYPES = {"half": "float16", "float": "float32"}


class _Wanted(msgspec.Struct, frozen=True):
    """What the model and the arguments ask of a backend; empty or 0 where they ask for nothing."""

    latent: bool
    sparse: bool
    head: int
    sinks: bool
    encoder: bool
    cache: str
    block: int
    dtype: str


def attention(asked: Asked) -> Refusals:
    """The backend by name, then whether there is one for the block size and the cache."""
    wanted = _wanted(asked)
    if wanted is None or asked.capability == 0:
        return
    name = _named(asked)
    facts = attention_table().value(_BACKENDS, name, asked.release) if name else None
    if facts:
        said = " and ".join(_reasons(facts, wanted, asked.capability))
        if said:
            flag = BACKEND if asked.text(BACKEND) else _CONFIG
            what = f"attention backend {name}: {said}"
            yield Refusal(code="attention-backend", flag=flag, what=what, fix="delete it: vLLM chooses one")
    elif not name:
        yield from _none_left(wanted, asked)


def _wanted(asked: Asked) -> _Wanted | None:
    shape = asked.shape
    if shape is None or shape.odd or (shape.mla is not None and not shape.mla.latent):
        return None
    dtype, cache = asked.text("--dtype"), asked.text(CACHE)
    return _Wanted(
        latent=shape.mla is not None,
        sparse=shape.indexer is not None,
        head=_head(shape),
        sinks=bool(shape.family.sinks),
        encoder=shape.encoder_only,
        cache="" if cache == "auto" else cache,
        block=_block(asked),
        dtype="" if dtype == "auto" else _DTYPES.get(dtype, dtype),
    )


def _head(shape: Shape) -> int:
    return shape.head_dim if shape.mla is None else shape.mla.kv_rank + shape.mla.rope


def _block(asked: Asked) -> int:
    since = _BLOCKS_CHECKED if asked.shape and asked.shape.mla is None else _BLOCKS_SELECT
    return (asked.number(BLOCK) or 0) if asked.since(since) else 0


def _named(asked: Asked) -> str:
    told = asked.text(BACKEND) or asked.object(_CONFIG).get("backend")
    name = told.upper() if isinstance(told, str) else ""
    return "" if name == "AUTO" else name


def _reasons(facts: dict[str, Any], wanted: _Wanted, capability: int | None) -> Iterator[str]:
    """Why a backend does not go with it; what the table does not tell is no reason."""
    if facts.get("mla", wanted.latent) != wanted.latent:
        kind = "only" if facts["mla"] else "not"
        yield f"it is {kind} for multi-head latent attention"
    elif facts.get("sparse", wanted.sparse) != wanted.sparse:
        yield f"it is {'only' if facts['sparse'] else 'not'} for sparse attention"
    elif wanted.head not in facts.get("heads", [wanted.head]):
        yield f"it has no heads of {wanted.head}"
    if wanted.sinks and facts.get("sinks") is False:
        yield "it has no attention sinks"
    if wanted.encoder and "encoder_only" not in facts.get("types", ["encoder_only"]):
        yield "it has no encoder"
    if wanted.cache and wanted.cache not in facts.get("cache", [wanted.cache]):
        yield f"it has no {wanted.cache} KV cache"
    if wanted.dtype and wanted.dtype not in facts.get("dtypes", [wanted.dtype]):
        yield f"it does not compute in {wanted.dtype}"
    if wanted.block and all(wanted.block % size for size in facts.get("blocks", [1])):
        yield f"its blocks are multiples of {' or '.join(map(str, _smallest(facts['blocks'])))}"
    if capability is not None and capability not in facts.get("capabilities", [capability]):
        yield f"it does not run on compute capability {capability // 10}.{capability % 10}"


def _smallest(sizes: list[int]) -> list[int]:
    """Those that no smaller one divides."""
    return [size for size in sizes if not any(size % other == 0 for other in sizes if other < size)]


def _none_left(wanted: _Wanted, asked: Asked) -> Refusals:
    """Whether each backend that vLLM would try speaks against it, but none without the argument."""
    free = msgspec.structs.replace(wanted, block=0, cache="")
    if not _left(free, asked):
        return
    none = "no attention backend has it for the model"
    if wanted.block and not _left(msgspec.structs.replace(free, block=wanted.block), asked):
        what = f"{BLOCK} {wanted.block}: {none}"
        yield Refusal(code="block-size", flag=BLOCK, what=what, fix="delete it")
    if wanted.cache and not _left(msgspec.structs.replace(free, cache=wanted.cache), asked):
        what = f"{CACHE} {wanted.cache}: {none}"
        yield Refusal(code="cache-type", flag=CACHE, what=what, fix="delete it")


def _left(wanted: _Wanted, asked: Asked) -> list[str]:
    """Backends that may run it, of those that are tried on this card, or on any."""
    return [
        name
        for name in _tried(wanted, asked)
        if not next(
            _reasons(attention_table().value(_BACKENDS, name, asked.release) or {}, wanted, asked.capability),
            "",
        )
    ]


def _tried(wanted: _Wanted, asked: Asked) -> list[str]:
    kind = "mla" if wanted.latent else "plain"
    cards = [card for card in attention_table().groups.get(_CHOICES, {}) if card.startswith(f"{kind} ")]
    if asked.capability is not None and f"{kind} {asked.capability}" in cards:
        cards = [f"{kind} {asked.capability}"]
    found = (attention_table().value(_CHOICES, card, asked.release) or () for card in cards)
    return list(dict.fromkeys(name for names in found for name in names))
