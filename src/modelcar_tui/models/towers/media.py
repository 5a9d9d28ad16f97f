"""By which rule an architecture's largest item is found, and the numbers that the rule needs.

Sizes that stand in preprocessor_config.json are those that the family publishes; they can be given otherwise
by `--mm-processor-kwargs`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from msgspec.structs import replace

from modelcar_tui.models.config import Config, text_part
from modelcar_tui.models.towers.items import Media
from modelcar_tui.models.towers.sizes import MissingSizeError, Sizes, composite

_QWEN2_PIXELS = 12845056
"""max_pixels of Qwen2-VL, Qwen2.5-VL and the Omni models."""
_QWEN3_PIXELS, _QWEN3_VIDEO_PIXELS = 16777216, 25165824
"""size.longest_edge of the image and the video processor of Qwen3-VL and its followers."""
_GLM_PIXELS, _GLM_VIDEO_PIXELS = 9633792, 28 * 28 * 2 * 30000
_WITH_VIDEOS = frozenset({"qwen2", "qwen3", "qwen3_moe", "gpt_oss"})
"""Language models whose vocabulary has InternVL's mark of a video (internvl.py ctx_video_token)."""
_MERGED = 2


def _patches(vision: Sizes, usual: int = 14) -> tuple[int, int]:
    return vision.side("patch_size", usual), vision.need("spatial_merge_size", default=_MERGED)


def _qwen2(whole: Sizes) -> Media:
    return _moving(whole.part("vision_config"), "qwen2", _QWEN2_PIXELS)


def _dots(whole: Sizes) -> Media:
    return _moving(whole.part("vision_config"), "dots", 11289600, frames=1)


def _moving(vision: Sizes, rule: str, pixels: int, *, frames: int = 2, width: int = 1) -> Media:
    patch, merge = _patches(vision)
    return Media(
        rule=rule,
        values=3 * frames * patch * patch,
        merge=merge,
        patch=patch,
        pixels=pixels,
        rotary="half",
        width=width,
    )


def _qwen3(whole: Sizes) -> Media:
    vision = whole.part("vision_config")
    patch, merge = _patches(vision, 16)
    return Media(
        rule="qwen3",
        values=6 * patch * patch,
        merge=merge,
        patch=patch,
        pixels=_QWEN3_PIXELS,
        video_pixels=_QWEN3_VIDEO_PIXELS,
        width=1 + len(vision.listing("deepstack_visual_indexes")),
        rotary="half",
    )


def _omni(whole: Sizes) -> Media:
    vision = whole.part("thinker_config").part("vision_config")
    deep = len(vision.listing("deepstack_visual_indexes"))
    return _moving(vision, "omni", _QWEN2_PIXELS, width=1 + deep)


def _glm4v(whole: Sizes) -> Media:
    patch, merge = _patches(whole.part("vision_config"))
    return Media(
        rule="glm4v",
        values=6 * patch * patch,
        merge=merge,
        patch=patch,
        pixels=_GLM_PIXELS,
        video_pixels=_GLM_VIDEO_PIXELS,
        rotary="half",
    )


def _gemma3(whole: Sizes) -> Media:
    side, patch = _square(whole.part("vision_config"), 896, 14)
    return _of_tiles(1, (side // patch) ** 2, whole.need("mm_tokens_per_image", default=256), patch)


def _paligemma(whole: Sizes) -> Media:
    side, patch = _square(whole.part("vision_config"), 224, 14)
    rows = (side // patch) ** 2
    return _of_tiles(1, rows, rows, patch)


def _gemma4(whole: Sizes) -> Media:
    vision = whole.part("vision_config")
    patch, pool = vision.side("patch_size", 16), vision.need("pooling_kernel_size", default=3)
    tokens = vision.need("default_output_length", default=280)
    return Media(rule="gemma4", values=3 * patch * patch, merge=pool, patch=patch, tokens=tokens)


def _pixtral(whole: Sizes) -> Media:
    vision = whole.part("vision_config")
    side, patch = _square(vision, 1540, 14)
    merge = vision.maybe("spatial_merge_size") or whole.maybe("spatial_merge_size") or 1
    return Media(
        rule="pixtral",
        values=3 * patch * patch,
        merge=merge,
        patch=patch,
        tiles=-(-side // (patch * merge)),
        pairs=True,
    )


def _llama4(whole: Sizes) -> Media:
    """mllama4.py: up to 16 tiles and an overview; a tile's patches and its class token."""
    side, patch = _square(whole.part("vision_config"), 336, 14)
    rows = (side // patch) ** 2
    media = _of_tiles(17, rows + 1, rows // 4, patch)
    return replace(media, rotary="single")


def _llava(whole: Sizes) -> Media:
    vision = whole.part("vision_config")
    if "pixtral" in (vision.text("model_type") or vision.kind):
        return _pixtral(whole)
    side, patch = _square(vision, 336, 14)
    rows = (side // patch) ** 2
    return _of_tiles(1, rows + 1, rows, patch)


def _llava_next(whole: Sizes) -> Media:
    side, patch = _square(whole.part("vision_config"), 336, 14)
    rows = (side // patch) ** 2
    pairs = [pair for pair in whole.listing("image_grid_pinpoints") if _is_pair(pair)]
    areas = [-(-pair[0] // side) * -(-pair[1] // side) for pair in pairs]
    return _of_tiles(1 + max(areas, default=4), rows + 1, rows, patch)


def _onevision(whole: Sizes) -> Media:
    """llava_onevision.py: an image of 1153 x 944 has the most tokens; 12 tiles hold it, 9 are kept."""
    side, patch = _square(whole.part("vision_config"), 384, 14)
    rows = (side // patch) ** 2
    return _of_tiles(13, rows, rows * 10 // 13 + 1, patch)


def _intern(whole: Sizes) -> Media:
    side, patch = _square(whole.part("vision_config"), 448, 14)
    tiles = whole.need("max_dynamic_patch", default=12)
    rows = (side // patch) ** 2
    ratio = whole.number("downsample_ratio", default=0.5)
    rule = "intern" if str(text_part(whole.given).get("model_type")) in _WITH_VIDEOS else "tiles"
    return _of_tiles(tiles + 1, rows + 1, max(1, int(rows * ratio * ratio)), patch, rule=rule)


def _idefics3(whole: Sizes) -> Media:
    """16 tiles and an overview."""
    side, patch = _square(whole.part("vision_config"), 364, 14)
    rows = (side // patch) ** 2
    return _of_tiles(17, rows, max(1, rows // whole.need("scale_factor", default=2) ** 2), patch)


def _kimi_vl(whole: Sizes) -> Media:
    return _moon(whole, "moon", 4096)


def _kimi_k25(whole: Sizes) -> Media:
    return _moon(whole, "chunk", 16384)


def _moon(whole: Sizes, rule: str, patches: int) -> Media:
    """At most so many patches of an image (in_token_limit, in_patch_limit)."""
    patch = whole.part("vision_config").side("patch_size", 14)
    return Media(
        rule=rule,
        values=3 * patch * patch,
        merge=_MERGED,
        patch=patch,
        pixels=patches * patch * patch,
        rotary="single",
    )


def _phi3v(whole: Sizes) -> Media:
    return _of_tiles(17, 577, 145, 14)


def _phi4mm(whole: Sizes) -> Media:
    """phi4mm.py: 36 crops of 448 and an overview."""
    return _of_tiles(37, 1024, 273, 14)


def _minicpmv(whole: Sizes) -> Media:
    """minicpmv.py: nine slices and an overview, or the 16 frames of a video."""
    slices = whole.part("slice_config").maybe("max_slice_nums") or 9
    return _of_tiles(max(1 + slices, 16), 1024, whole.need("query_num", default=64), 14)


def _vl2(whole: Sizes) -> Media:
    """deepseek_vl2.py: the largest of candidate_resolutions, and an overview."""
    pairs = [pair for pair in whole.listing("candidate_resolutions") if _is_pair(pair)]
    tiles = max((pair[0] // 384 * (pair[1] // 384) for pair in pairs), default=9)
    return _of_tiles(1 + tiles, 729, 210, 14)


def _molmo(whole: Sizes) -> Media:
    """molmo.py: twelve crops and an overview, pooled by two along each side."""
    return _of_tiles(13, 577, 156, 14)


def _window(whole: Sizes) -> Media:
    """30 seconds: 3,000 spectra, of which two become a row and four an output."""
    return Media(rule="audio", values=2 * 128, rows=1500, tokens=750)


def _voxtral(whole: Sizes) -> Media:
    return Media(rule="long audio", values=2 * 128, rows=1500, tokens=375)


def _of_tiles(tiles: int, rows: int, tokens: int, patch: int, rule: str = "tiles") -> Media:
    return Media(rule=rule, values=3 * patch * patch, patch=patch, tiles=tiles, rows=rows, tokens=tokens)


def _square(vision: Sizes, side: int, patch: int) -> tuple[int, int]:
    if not vision.given:
        return side, patch
    return vision.side("image_size", side), vision.side("patch_size", patch)


def _is_pair(value: object) -> bool:
    return (
        isinstance(value, list)
        and len(value) == 2
        and all(isinstance(x, int) and 0 < x < 2**16 for x in value)
    )


_KINDS: tuple[tuple[Callable[[Sizes], Media], str, tuple[str, ...]], ...] = (
    (
        _qwen2,
        "qwen2_vl",
        (
            "Qwen2VLForConditionalGeneration",
            "Tarsier2ForConditionalGeneration",
            "Qwen2_5_VLForConditionalGeneration",
            "OpenCUAForConditionalGeneration",
            "JinaVLForRanking",
        ),
    ),
    (
        _qwen3,
        "qwen3_vl",
        (
            "Qwen3VLForConditionalGeneration",
            "Qwen3VLMoeForConditionalGeneration",
            "Cosmos3ForConditionalGeneration",
            "ColQwen3",
            "OpsColQwen3Model",
            "Qwen3VLNemotronEmbedModel",
        ),
    ),
    (
        _qwen3,
        "qwen3_5",
        (
            "Qwen3_5ForConditionalGeneration",
            "Qwen3_5MoeForConditionalGeneration",
            "InternS2PreviewForConditionalGeneration",
            "Qwen4ExpForConditionalGeneration",
            "ColQwen3_5",
        ),
    ),
    (_omni, "qwen2_5_omni", ("Qwen2_5OmniModel", "Qwen2_5OmniForConditionalGeneration")),
    (_omni, "qwen3_omni_moe", ("Qwen3OmniMoeForConditionalGeneration",)),
    (_glm4v, "glm4v", ("Glm4vForConditionalGeneration", "Glm4vMoeForConditionalGeneration")),
    (_glm4v, "glm_ocr", ("GlmOcrForConditionalGeneration",)),
    (_gemma3, "gemma3", ("Gemma3ForConditionalGeneration",)),
    (_paligemma, "paligemma", ("PaliGemmaForConditionalGeneration",)),
    (_gemma4, "gemma4", ("Gemma4ForConditionalGeneration",)),
    (_pixtral, "pixtral", ("PixtralForConditionalGeneration",)),
    (_pixtral, "mistral3", ("Mistral3ForConditionalGeneration", "LightOnOCRForConditionalGeneration")),
    (_llama4, "llama4", ("Llama4ForConditionalGeneration",)),
    (_llava, "llava", ("LlavaForConditionalGeneration",)),
    (_llava_next, "llava_next", ("LlavaNextForConditionalGeneration",)),
    (_onevision, "llava_onevision", ("LlavaOnevisionForConditionalGeneration",)),
    (
        _intern,
        "internvl_chat",
        (
            "InternVLChatModel",
            "H2OVLChatModel",
            "SkyworkR1VChatModel",
            "InternVLForConditionalGeneration",
            "InternS1ForConditionalGeneration",
        ),
    ),
    (_idefics3, "idefics3", ("Idefics3ForConditionalGeneration", "SmolVLMForConditionalGeneration")),
    (_kimi_vl, "kimi_vl", ("KimiVLForConditionalGeneration",)),
    (_kimi_k25, "kimi_k25", ("KimiK25ForConditionalGeneration",)),
    (_phi3v, "phi3_v", ("Phi3VForCausalLM",)),
    (_phi4mm, "phi4mm", ("Phi4MMForCausalLM",)),
    (_minicpmv, "minicpmv", ("MiniCPMV", "MiniCPMO")),
    (_vl2, "deepseek_vl_v2", ("DeepseekVLV2ForCausalLM",)),
    (_molmo, "molmo", ("MolmoForCausalLM",)),
    (_dots, "dots_ocr", ("DotsOCRForCausalLM",)),
    (_window, "qwen2_audio", ("Qwen2AudioForConditionalGeneration",)),
    (_window, "ultravox", ("UltravoxModel",)),
    (_window, "glmasr", ("GlmAsrForConditionalGeneration",)),
    (_voxtral, "voxtral", ("VoxtralForConditionalGeneration",)),
)


def media_of(config: Config, arch: str) -> Media | None:
    """The rule of an architecture with its numbers; None where none was written down."""
    found = _by_name().get(arch)
    if found is None:
        return None
    try:
        return found[0](composite(config, found[1]))
    except (MissingSizeError, ZeroDivisionError):
        return None


@cache
def _by_name() -> dict[str, tuple[Callable[[Sizes], Media], str]]:
    return {name: (rule, kind) for rule, kind, names in _KINDS for name in names}
