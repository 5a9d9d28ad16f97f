"""What the encoder of images or sound takes while vLLM profiles: its own run, and what stays after it.

v1/worker/gpu_model_runner.py profile_run: the modality with the largest item is encoded, as many items at
once as the budget takes; their pixels and outputs stay while the language model runs. The budget is the
larger of a step's tokens and that item (v1/core/encoder_cache_manager.py).

What a layer holds at its worst was found by running the encoders of 0.11.2, 0.14.1, 0.20.2 and 0.26.0 on
PyTorch's meta device and following each tensor: Qwen3-VL, Qwen2.5-VL, Gemma 3, Llama 4, Mistral 3, InternVL,
on 1 to 8 GPUs.
"""

from __future__ import annotations

from functools import lru_cache

import msgspec

from modelcar_tui.hardware import NVIDIA
from modelcar_tui.memory import second_runner
from modelcar_tui.memory.refused import Refusal
from modelcar_tui.memory.start import Start
from modelcar_tui.memory.towers import absent_modalities
from modelcar_tui.memory.types import Outcome
from modelcar_tui.models.towers import (
    EncoderBody,
    ItemLimits,
    Media,
    MediaItem,
    Tower,
    encoder_body,
    largest_items,
)
from modelcar_tui.vllm.arguments import MediaOptions

_WIDTH = 2.0
"""Bytes of a number in 16 bits."""
_PADDED = (0, 11), (0, 13)
"""Releases in between copy each output into a tensor of the whole budget."""
_ROUNDED_UP = (0, 10)
"""Before, an item that fits in part counts."""
_HALF_SINCE = (0, 13)
"""Rotary positions of patches are computed in 16 bits (qwen2_vl.py)."""
_VIDEO = frozenset({"video"})
_NO_XFORMERS = 10.0
"""The capability from which xFormers' attention has no kernel."""


class Encoded(msgspec.Struct, frozen=True, kw_only=True):
    """Bytes on one GPU."""

    kept: float = 0.0
    """Pixels and outputs, which stay while the language model runs."""
    copies: float = 0.0
    """Of the outputs, each as large as the whole budget; they stay, too."""
    peak: float = 0.0
    """All that the encoder's run holds at once, its pixels included."""
    note: str = ""
    """Of what, and how many."""
    budget: int = 0
    """Tokens."""


_NOTHING = Encoded()


class _Sizes(msgspec.Struct, frozen=True):
    """What decides beside the tower."""

    release: tuple[int, ...]
    context: int
    batch: int
    seqs: int
    tp: int
    data: bool
    hidden: int
    dense_mask: bool
    engine_v0: bool


def encoded(start: Start) -> Encoded:
    """Of the profiling run; nothing where there is no encoder, or none is profiled."""
    tower, args = start.model.shape.tower, start.args
    if tower is None or args.language_model_only or args.skip_mm_profiling or left_out(start):
        return _NOTHING
    sizes = _Sizes(
        start.profile.release,
        start.limits.context,
        start.limits.batch,
        start.limits.seqs,
        args.tp,
        args.encoder_tp_data,
        start.model.shape.hidden,
        _dense_mask(start),
        start.profile.engine_v0,
    )
    return _encoded(tower, sizes, absent_modalities(args), args.media)


def cut_items_refusal(start: Start) -> Refusal | None:
    """Why a step must take whole items and can't (`--disable-chunked-mm-input`); the size of an image may be
    bounded by `--limit-mm-per-prompt`, which counts only while profiling (0.11.2 multimodal/profiling.py)."""
    tower, args = start.model.shape.tower, start.args
    if not args.whole_items or tower is None or tower.media is None or args.language_model_only:
        return None
    absent = absent_modalities(args)
    found = _largest(tower.media, start.profile.release, start.limits.context, args.media, absent)
    batch = start.limits.batch
    if found is None or found[1].tokens <= batch:
        return None
    error = (
        f"Chunked MM input disabled but max_tokens_per_mm_item ({found[1].tokens}) is larger than "
        f"max_num_batched_tokens ({batch}). Please increase max_num_batched_tokens."
    )
    why = f"a {found[0]} of {found[1].tokens} tokens must go through one step, which takes {batch}"
    return Refusal(Outcome.REFUSED_ARGS, why, error)


def read(tower: Tower) -> bool:
    """Whether it was written down what this tower's run takes."""
    return tower.media is not None and _body(tower) is not None


def left_out(start: Start) -> bool:
    """Model Runner V2 profiles no encoder before 0.27: it takes its memory at the first image."""
    return not second_runner.encodes(start)


def _dense_mask(start: Start) -> bool:
    """Without xFormers' kernel, images of many sizes are kept apart by a mask (pixtral.py)."""
    capability = start.gpu.capability
    return start.gpu.vendor != NVIDIA or (capability is not None and capability >= _NO_XFORMERS)


@lru_cache(maxsize=512)
def _encoded(tower: Tower, sizes: _Sizes, absent: frozenset[str], options: MediaOptions) -> Encoded:
    media, body = tower.media, _body(tower)
    if media is None or body is None:
        return _of_a_step(tower, sizes)
    if sizes.engine_v0:  # the one log of it (0.8.3) has no video in its peak
        absent |= _VIDEO
    found = _largest(media, sizes.release, sizes.context, options, absent)
    if found is None:
        return _NOTHING
    kind, item = found[0], _bounded(found[1], media, options.most(found[0]))
    budget = max(sizes.batch, item.tokens)
    count = _count(item, budget, sizes, options.limit(kind))
    return _of_items(media, body, item, count, budget, sizes, kind)


def _largest(
    media: Media, release: tuple[int, ...], context: int, options: MediaOptions, absent: frozenset[str]
) -> tuple[str, MediaItem] | None:
    """The modality that is profiled, and its item; None where none is left."""
    asked = ItemLimits(
        release=release,
        context=context,
        pixels=options.pixels,
        size=options.size,
        images="image" not in absent,
    )
    found = {kind: item for kind, item in largest_items(media, asked).items() if kind not in absent}
    return max(found.items(), key=lambda one: one[1].tokens, default=None)


def _of_items(
    media: Media, body: EncoderBody, item: MediaItem, count: int, budget: int, sizes: _Sizes, kind: str
) -> Encoded:
    wide = sizes.hidden * media.width
    pixels, outputs = count * item.values, count * item.outputs * wide
    padded = _PADDED[0] <= sizes.release < _PADDED[1] and item.outputs < budget
    copies = count * budget * wide if padded else 0
    here = -(-count // sizes.tp) if sizes.data and body.part.data else count
    rows = here * item.rows
    inner = (
        count * item.outputs * sizes.hidden * (media.width - 1)
    )  # features of inner layers wait for the end
    worst = max(_layer(body, media, sizes) * rows + inner, 2 * outputs)
    mask = float(rows) ** 2 if media.pairs and sizes.dense_mask else 0.0
    return Encoded(
        kept=(pixels + outputs) * _WIDTH,
        copies=copies * _WIDTH,
        peak=max(pixels + worst + mask, pixels + outputs + copies) * _WIDTH,
        note=f"{count} x the largest {kind.replace('_', ' ')}, {item.tokens} tokens of {item.rows} rows",
        budget=budget,
    )


def _layer(body: EncoderBody, media: Media, sizes: _Sizes) -> float:
    """Numbers that a row holds at the worst place of a layer: in its MLP, or where positions are turned."""
    cut = body.part.shared_by(sizes.tp, sizes.release, data=sizes.data)
    hidden, inter, attention = body.hidden, body.inter / cut, body.hidden / cut
    gates = 2 if body.gated else 1
    mlp = 4 * hidden + 2 * gates * inter
    if cut > 1:  # the GPUs' sum is a copy
        mlp = max(mlp, 6 * hidden + (2 * gates - 1) * inter)
    single = media.rotary == "single" or (media.rotary == "half" and sizes.release < _HALF_SINCE)
    if single:
        return max(mlp, 3 * hidden + 13 * attention)
    if media.rotary:
        return max(mlp, (4 if cut == 1 else 5) * hidden + 8 * attention)
    return mlp


def _count(item: MediaItem, budget: int, sizes: _Sizes, limit: int) -> int:
    """Items that are encoded at once (v1/worker/utils.py get_max_items)."""
    if sizes.engine_v0:  # worker/model_runner.py: sequences that the step takes, at least one
        return max(1, min(sizes.seqs, sizes.batch // item.tokens))
    if sizes.release < _ROUNDED_UP:
        return max(1, min(-(-budget // item.tokens), sizes.seqs * limit))
    prompts = max(1, min(limit, sizes.context // item.tokens))
    return max(1, min(budget // item.tokens, sizes.seqs * prompts))


def _bounded(item: MediaItem, media: Media, most: int) -> MediaItem:
    """With `width` and `height` of `--limit-mm-per-prompt`: no more pixels than those."""
    rows = -(-most // media.patch**2) if most else item.rows
    if rows >= item.rows or media.rule not in ("qwen2", "qwen3", "pixtral", "moon", "dots", "chunk", "omni"):
        return item
    share = rows / item.rows
    return MediaItem(
        tokens=max(1, int(item.tokens * share)),
        rows=rows,
        outputs=max(1, int(item.outputs * share)),
        values=rows * media.values,
    )


def _of_a_step(tower: Tower, sizes: _Sizes) -> Encoded:
    """Of what is not described: one step's worth of images at their largest."""
    tokens = sizes.batch
    if tower.tokens_per_item and tower.tokens_per_item <= sizes.batch:
        tokens = sizes.batch // tower.tokens_per_item * tower.tokens_per_item
    kept = tokens * (sizes.hidden + tower.pixels_per_token) * _WIDTH
    return Encoded(kept=kept, peak=kept, note=f"{tokens} tokens, one step's worth of images")


def _body(tower: Tower) -> EncoderBody | None:
    heard = tower.media is not None and "audio" in tower.media.rule
    return encoder_body(tower.parts, "audio" if heard else "vision")
