"""What encodes images or sound beside the language model."""

from __future__ import annotations

from functools import cache

import msgspec

from modelcar_tui.core.resources import table
from modelcar_tui.models.config import Config, Reader
from modelcar_tui.models.towers.items import Media
from modelcar_tui.models.towers.media import media_of
from modelcar_tui.models.towers.part import Part
from modelcar_tui.models.towers.registry import parts_of


class Tower(msgspec.Struct, frozen=True, eq=False, kw_only=True):
    """The towers of one model, with their projectors."""

    kind: str
    pixels_per_token: int
    tokens_per_item: int
    parts: tuple[Part, ...] = ()
    """Their weights; empty where they are not described."""
    missing: str = ""
    """Why they are not."""
    media: Media | None = None
    """How large its largest item is; None where that was not written down."""

    @property
    def elements(self) -> int:
        """Their weights as a checkpoint holds them; 0 where they are not described."""
        return sum(part.elements for part in self.parts)


_SIGNS = ("ForConditionalGeneration", "VL", "Vision", "Omni")
_TEXT_ONLY = (
    "ChatGLMForConditionalGeneration",
    "BartForConditionalGeneration",
    "MBartForConditionalGeneration",
)
"""Language models, and encoder-decoders of text, by names that others see with."""
UNDESCRIBED = Tower(
    kind="vision",
    pixels_per_token=3 * 28 * 28,
    tokens_per_item=0,
    missing="how large its tower is (only the number of parameters betrays one)",
)
"""A tower that only the number of parameters betrays: patches of 14 pixels, four to a token, as most have."""


def tower_of(config: Config, arch: str) -> Tower | None:
    """The towers of a model; None for one that has none."""
    parts = parts_of(config, arch)
    if parts == ():
        return None
    vision = _told(config, "vision_config", "vision_tower_config", "visual")
    audio = _told(config, "audio_config", "sound_config")
    told = parts if isinstance(parts, tuple) else ()
    if parts is None:
        described = (vision or audio) and not arch.endswith("ForCausalLM")
        if not described and not takes_more_than_text(arch):
            return None
        missing = f"the weights of {arch}'s towers are not described" if arch else UNDESCRIBED.missing
    else:
        why = parts if isinstance(parts, str) else ""
        missing = why or _left(told, arch, vision=bool(vision), audio=bool(audio))
    kind, pixels, tokens = _kind(config, vision, told, hears=bool(audio))
    return Tower(
        kind=kind,
        pixels_per_token=pixels,
        tokens_per_item=tokens,
        parts=told,
        missing=missing,
        media=media_of(config, arch),
    )


def _kind(config: Config, vision: Config, parts: tuple[Part, ...], *, hears: bool) -> tuple[str, int, int]:
    """`vision` or `audio`, pixels of one token, tokens of one item; zeros where there are none."""
    if vision:
        return "vision", *_tokens(Reader(vision, config))
    if hears or (parts and parts[0].kind == "audio"):
        return "audio", 0, 0
    return "vision", UNDESCRIBED.pixels_per_token, 0


def _left(told: tuple[Part, ...], arch: str, **parts: bool) -> str:
    """What config.json has a part for and the architecture's row describes nothing of."""
    kinds = {part.kind for part in told}
    left = next((kind for kind, has in parts.items() if has and kind not in kinds), "")
    return f"the weights of {arch}'s {left} tower are not described" if left else ""


def _told(config: Config, *names: str) -> Config:
    """The first of these parts that config.json has."""
    return next((part for name in names if isinstance(part := config.get(name), dict) and part), {})


def _tokens(read: Reader) -> tuple[int, int]:
    """Pixels of one token, and tokens of one image where that is fixed."""
    patch = read.integer("patch_size", high=1024) or 14
    merge = read.integer("spatial_merge_size", high=64) or 0
    tokens = read.integer("mm_tokens_per_image", high=2**20) or 0
    image = read.integer("image_size", high=2**16) or 0
    pixels = 3 * image * image // tokens if tokens and image else 3 * (patch * (merge or 1)) ** 2
    if not tokens and image and merge:
        tokens = (image // (patch * merge)) ** 2
    return pixels, tokens


def takes_more_than_text(arch: str) -> bool:
    """Whether an architecture that no row describes has a tower, by vLLM's registry or by its name.

    Any other causal language model has none, even where config.json describes one.
    """
    if arch in _listed():
        return True
    return arch not in _TEXT_ONLY and any(sign in arch for sign in _SIGNS)


class _File(msgspec.Struct, frozen=True):
    source: str
    architectures: frozenset[str]


@cache
def _listed() -> frozenset[str]:
    """Everything in `multimodal.json`."""
    return table(__file__, "multimodal.json", _File).architectures
