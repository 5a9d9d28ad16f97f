"""The largest item of each modality that an encoder may be given: what vLLM profiles it with.

From each model file's get_mm_max_tokens_per_item and dummy inputs (vllm model_executor/models, 0.8 to 0.33).
Sizes that stand in preprocessor_config.json are those that the family publishes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec

_BUDGET_OF_TIMESTAMPS = (0, 11), (0, 13)
"""Releases in between count 12.5 places for each token of a Qwen3-VL video (qwen3_vl.py)."""
_SHORTER_VIDEOS = (0, 11)
_VIDEOS_HEAR_PIXELS = (0, 17)
"""Before, `max_pixels` was the image processor's alone: that of videos has a `size` (qwen3_vl.py)."""
_IMAGES_TAKEN_OFF = (0, 10)
"""Up to here a video leaves room for an image."""
_GEMMA_FRAMES, _GEMMA_FRAME_TOKENS, _GEMMA_MARKS = 32, 70, 8


class MediaItem(msgspec.Struct, frozen=True, kw_only=True):
    """One image, video or recording."""

    tokens: int
    """Places in the prompt, which the encoder's budget counts."""
    rows: int
    """Patches or frames that go through the encoder's layers together."""
    outputs: int
    """Embeddings that come out."""
    values: int
    """Numbers that go in: pixels or spectrum."""


class ItemLimits(msgspec.Struct, frozen=True, kw_only=True):
    """What an item's size hangs on beside the model."""

    release: tuple[int, ...]
    context: int
    pixels: int = 0
    """The most of an image, from `--mm-processor-kwargs`; 0: the processor's own."""
    size: int = 0
    """The same where it was said as `size`."""
    images: bool = True
    """Prompts may hold images."""


class Media(msgspec.Struct, frozen=True, kw_only=True):
    """What of config.json, or of its family, decides how large an item is."""

    rule: str
    """One of `_RULES`."""
    values: int
    """Numbers that make a row."""
    merge: int = 1
    """Rows along a side that become one output."""
    patch: int = 14
    pixels: int = 0
    """The most of an image."""
    video_pixels: int = 0
    tiles: int = 1
    """Pieces of an image, its overview among them."""
    rows: int = 0
    """Of a tile."""
    tokens: int = 0
    """Of a tile."""
    width: int = 1
    """Embeddings of the language model's width that one output is made of (deepstack)."""
    rotary: str = ""
    """`single`: its rotation is computed in 32 bits; `half`: since 0.13 no more."""
    pairs: bool = False
    """Without a kernel for variable lengths, a mask of rows x rows is made."""


def largest_items(media: Media, asked: ItemLimits) -> dict[str, MediaItem]:
    """The largest item by modality."""
    return dict(_RULES[media.rule](media, asked))


def _of_tokens(media: Media, tokens: int) -> MediaItem:
    rows = tokens * media.merge**2
    return MediaItem(tokens=tokens, rows=rows, outputs=tokens, values=rows * media.values)


def _image(media: Media, asked: ItemLimits) -> MediaItem:
    pixels = min(asked.pixels or media.pixels, 2**31)
    return _of_tokens(media, max(1, pixels // (media.patch * media.merge) ** 2))


def _qwen2(media: Media, asked: ItemLimits) -> Iterator[tuple[str, MediaItem]]:
    """qwen2_vl.py: as many pairs of frames as the context takes, up to 16 frames, since 0.11 up to 14."""
    image = _image(media, asked)
    yield "image", image
    room = asked.context - (image.tokens if asked.images and asked.release <= _IMAGES_TAKEN_OFF else 0)
    pairs = 7 if asked.release >= _SHORTER_VIDEOS else 8
    yield "video", _of_tokens(media, max(1, min(pairs, room // image.tokens)) * image.tokens)


def _qwen3(media: Media, asked: ItemLimits) -> Iterator[tuple[str, MediaItem]]:
    """qwen3_vl.py: a video's pixels are bounded over all its frames, two of which are one row of patches."""
    yield "image", _image(media, asked)
    told = asked.pixels if asked.release >= _VIDEOS_HEAR_PIXELS else asked.size
    pixels = min(told or media.video_pixels, 2**31)
    video = _of_tokens(media, max(1, pixels // (2 * (media.patch * media.merge) ** 2)))
    since, until = _BUDGET_OF_TIMESTAMPS
    places = int(video.tokens * 12.5) if since <= asked.release < until else video.tokens
    yield "video", msgspec.structs.replace(video, tokens=places)


def _glm4v(media: Media, asked: ItemLimits) -> Iterator[tuple[str, MediaItem]]:
    """glm4_1v.py: an image is two frames of itself; videos take what the context leaves. Its processors have
    a `size` and no `max_pixels`."""
    pixels = min(asked.size or media.pixels, 2**31)
    image = _of_tokens(media, max(1, pixels // (2 * (media.patch * media.merge) ** 2)))
    yield "image", image
    room = asked.context - (image.tokens if asked.images else 0)
    grids = max(1, room // image.tokens) * image.tokens
    most = media.video_pixels // (2 * (media.patch * media.merge) ** 2)
    yield "video", _of_tokens(media, min(grids, most))


def _tiles(media: Media, asked: ItemLimits) -> Iterator[tuple[str, MediaItem]]:
    """Images that are cut into tiles of one size, or are one."""
    yield "image", _tiled(media, media.tiles)


def _tiled(media: Media, tiles: int) -> MediaItem:
    rows = tiles * media.rows
    tokens = max(1, tiles * media.tokens)  # of a tower too small to be real
    return MediaItem(tokens=tokens, rows=rows, outputs=tokens, values=rows * media.values)


def _intern(media: Media, asked: ItemLimits) -> Iterator[tuple[str, MediaItem]]:
    """internvl.py: a video's frames are tiles, as many as the context takes."""
    image = _tiled(media, media.tiles)
    yield "image", image
    room = asked.context - (image.tokens if asked.images else 0)
    yield "video", _tiled(media, max(1, room // max(1, media.tokens)))


def _pixtral(media: Media, asked: ItemLimits) -> Iterator[tuple[str, MediaItem]]:
    """pixtral.py, mistral3.py: a square, and a break after each line."""
    side = max(1, media.tiles)
    item = _of_tokens(media, side * side)
    yield "image", msgspec.structs.replace(item, tokens=side * (side + 1))


def _chunk(media: Media, asked: ItemLimits) -> Iterator[tuple[str, MediaItem]]:
    """kimi_k25.py: its processor counts patches and takes no pixels."""
    yield "vision_chunk", _image(media, msgspec.structs.replace(asked, pixels=0))


def _moon(media: Media, asked: ItemLimits) -> Iterator[tuple[str, MediaItem]]:
    """kimi_vl.py: its processor counts patches and takes no pixels."""
    yield "image", _image(media, msgspec.structs.replace(asked, pixels=0))


def _dots(media: Media, asked: ItemLimits) -> Iterator[tuple[str, MediaItem]]:
    """dots_ocr.py, with Qwen2-VL's processor."""
    yield "image", _image(media, asked)


def _gemma4(media: Media, asked: ItemLimits) -> Iterator[tuple[str, MediaItem]]:
    """gemma4_mm.py: 32 frames of 70 tokens."""
    yield "image", _of_tokens(media, media.tokens)
    frames = _of_tokens(media, _GEMMA_FRAMES * _GEMMA_FRAME_TOKENS)
    places = _GEMMA_FRAMES * (_GEMMA_FRAME_TOKENS + _GEMMA_MARKS)
    yield "video", msgspec.structs.replace(frames, tokens=places)


def _audio(media: Media, asked: ItemLimits) -> Iterator[tuple[str, MediaItem]]:
    """A window of 30 seconds (qwen2_audio.py, ultravox.py)."""
    yield "audio", _tiled(media, 1)


def _long_audio(media: Media, asked: ItemLimits) -> Iterator[tuple[str, MediaItem]]:
    """voxtral.py: a recording that fills the context."""
    yield "audio", _tiled(media, max(1, asked.context // max(1, media.tokens)))


def _omni(media: Media, asked: ItemLimits) -> Iterator[tuple[str, MediaItem]]:
    """qwen2_5_omni_thinker.py, qwen3_omni_moe_thinker.py: Qwen2-VL's rule; sound is smaller always."""
    yield from _qwen2(media, asked)
    yield "audio", MediaItem(tokens=750, rows=1500, outputs=750, values=128 * 3000)


_RULES: dict[str, Callable[[Media, ItemLimits], Iterator[tuple[str, MediaItem]]]] = {
    "qwen2": _qwen2,
    "qwen3": _qwen3,
    "glm4v": _glm4v,
    "tiles": _tiles,
    "intern": _intern,
    "pixtral": _pixtral,
    "chunk": _chunk,
    "moon": _moon,
    "dots": _dots,
    "gemma4": _gemma4,
    "audio": _audio,
    "long audio": _long_audio,
    "omni": _omni,
}
