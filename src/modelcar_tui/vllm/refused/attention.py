"""Attention backends that can't run the model, and block sizes or cache dtypes that none of them takes.

Every backend says what it can do (`AttentionBackend.validate_configuration`); what is asked for by name is
refused for any reason, what is left open only where no backend is left (platforms/cuda.py
`get_attn_backend_cls`).
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import msgspec

from modelcar_tui.models import Shape
from modelcar_tui.vllm.quantization.support import Support
from modelcar_tui.vllm.readings import answering_release
from modelcar_tui.vllm.refused.asked import Asked, Refusal, Refusals
from modelcar_tui.vllm.release import Version, reached
from modelcar_tui.vllm.value_table import attention_table

BACKEND, BLOCK, CACHE = "--attention-backend", "--block-size", "--kv-cache-dtype"
_CONFIG = "--attention-config"
_BACKENDS, _CHOICES = "backends", "choices"
_BLOCKS_SELECT, _BLOCKS_CHECKED = "0.18.0", "0.13.0"
"""Since when a block size that is given takes part in the choice, and since when the runner refuses it later
(`select_common_block_size`)."""
_WANTS = {"FLASHINFER_MLA_SPARSE_SM90": "FlashInfer 0.6.18 or later"}
"""What a backend wants of the image besides vLLM (has_flashinfer_sm90_nope_mla)."""
_HOPPER, _AUTO_IS_FP8 = 9, "0.30.0"
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
    block = _block(shape, asked.number(BLOCK), asked.release)
    return _asks(shape, cache, block, "" if dtype == "auto" else _DTYPES.get(dtype, dtype))


def _asks(shape: Shape, cache: str, block: int, dtype: str = "") -> _Wanted:
    return _Wanted(
        latent=shape.mla is not None,
        sparse=shape.indexer is not None,
        head=_head(shape),
        sinks=bool(shape.family.sinks),
        encoder=shape.encoder_only,
        cache="" if cache == "auto" else cache,
        block=block,
        dtype=dtype,
    )


def attention_backend_left(
    shape: Shape, cache: str, block: int | None, version: Version | None, capability: int
) -> tuple[Support, str]:
    """Whether an attention backend is left for a model with this KV cache's dtype and block size, and
    why not.

    Args:
        cache: as the arguments say it, or `fp8_e4m3` where the checkpoint asks for one in 8 bits.
        version: another answers for one that was not read.
        capability: the GPU's compute capability x 10.
    """
    release = answering_release(version, attention_table().read)
    if said := _compressed(shape, cache, release, capability):
        return Support.UNSUPPORTED, said
    if shape.odd or (shape.mla is not None and not shape.mla.latent):
        return Support.UNKNOWN, ""
    wanted = _asks(shape, cache, _block(shape, block, release))
    left = _left(wanted, release, capability)
    if left:
        wants = {_WANTS.get(name, "") for name in left}
        return (Support.NATIVE, "") if "" in wants else (Support.UNKNOWN, " or ".join(sorted(wants)))
    if not _left(msgspec.structs.replace(wanted, block=0, cache=""), release, capability):
        return Support.UNKNOWN, ""
    kind = "sparse attention" if wanted.sparse else "latent attention" if wanted.latent else "attention"
    at = f" in blocks of {wanted.block}" if wanted.block else ""
    what = f"no {kind} backend of vLLM {release} has an {cache} KV cache{at} on this GPU"
    return Support.UNSUPPORTED, what


def _compressed(shape: Shape, cache: str, release: str, capability: int) -> str:
    """DeepSeek V4 on Hopper has a layout of 8 bits only (models/deepseek_v4/attention.py)."""
    if not shape.arch.startswith("DeepseekV4") or capability // 10 != _HOPPER or cache.startswith("fp8"):
        return ""
    if cache == "auto" and reached(_AUTO_IS_FP8, release):
        return ""
    return f"DeepSeek V4's attention keeps an fp8 KV cache only, and {CACHE} says {cache}"


def _head(shape: Shape) -> int:
    return shape.head_dim if shape.mla is None else shape.mla.kv_rank + shape.mla.rope


def _block(shape: Shape, told: int | None, release: str) -> int:
    since = _BLOCKS_CHECKED if shape.mla is None else _BLOCKS_SELECT
    return (told or 0) if reached(since, release) else 0


def _named(asked: Asked) -> str:
    told = asked.text(BACKEND) or asked.object(_CONFIG).get("backend")
    name = told.upper() if isinstance(told, str) else ""
    return "" if name == "AUTO" else name


def _reasons(facts: dict[str, Any], wanted: _Wanted, capability: int | None) -> Iterator[str]:
    """Why a backend does not go with it; what the table does not tell is no reason."""
    if said := _other_heads(facts, wanted):
        yield said
    if wanted.sinks and facts.get("sinks") is False:
        yield "it has no attention sinks"
    for key, value, said in (
        ("types", "encoder_only" if wanted.encoder else "", "it has no encoder"),
        ("cache", wanted.cache, f"it has no {wanted.cache} KV cache"),
        ("dtypes", wanted.dtype, f"it does not compute in {wanted.dtype}"),
    ):
        if value and value not in facts.get(key, [value]):
            yield said
    if wanted.block and all(wanted.block % size for size in facts.get("blocks", [1])):
        yield f"its blocks are multiples of {' or '.join(map(str, _smallest(facts['blocks'])))}"
    if capability is not None and capability not in facts.get("capabilities", [capability]):
        yield f"it does not run on compute capability {capability // 10}.{capability % 10}"


def _other_heads(facts: dict[str, Any], wanted: _Wanted) -> str:
    """Which other attention or head size it is made for; empty where it is for the model's."""
    for key, value, kind in (
        ("mla", wanted.latent, "multi-head latent"),
        ("sparse", wanted.sparse, "sparse"),
    ):
        if facts.get(key, value) != value:
            return f"it is {'only' if facts[key] else 'not'} for {kind} attention"
    return "" if wanted.head in facts.get("heads", [wanted.head]) else f"it has no heads of {wanted.head}"


def _smallest(sizes: list[int]) -> list[int]:
    """Those that no smaller one divides."""
    return [size for size in sizes if not any(size % other == 0 for other in sizes if other < size)]


def _none_left(wanted: _Wanted, asked: Asked) -> Refusals:
    """Whether each backend that vLLM would try speaks against it, but none without the argument."""
    free = msgspec.structs.replace(wanted, block=0, cache="")
    if not _left(free, asked.release, asked.capability):
        return
    none = "no attention backend has it for the model"
    block = msgspec.structs.replace(free, block=wanted.block)
    if wanted.block and not _left(block, asked.release, asked.capability):
        yield Refusal(code="block-size", flag=BLOCK, what=f"{BLOCK} {wanted.block}: {none}")
    cache = msgspec.structs.replace(free, cache=wanted.cache)
    if wanted.cache and not _left(cache, asked.release, asked.capability):
        yield Refusal(code="cache-type", flag=CACHE, what=f"{CACHE} {wanted.cache}: {none}")


@lru_cache(maxsize=512)
def _left(wanted: _Wanted, release: str, capability: int | None) -> tuple[str, ...]:
    """Backends that may run it, of those that are tried on this card, or on any."""
    table = attention_table()
    return tuple(
        name
        for name in _tried(wanted, release, capability)
        if not next(_reasons(table.value(_BACKENDS, name, release) or {}, wanted, capability), "")
    )


def _tried(wanted: _Wanted, release: str, capability: int | None) -> list[str]:
    kind = "mla" if wanted.latent else "plain"
    cards = [card for card in attention_table().groups.get(_CHOICES, {}) if card.startswith(f"{kind} ")]
    if capability is not None and f"{kind} {capability}" in cards:
        cards = [f"{kind} {capability}"]
    found = (attention_table().value(_CHOICES, card, release) or () for card in cards)
    return list(dict.fromkeys(name for names in found for name in names))
