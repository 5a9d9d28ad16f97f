"""Which towers an architecture has."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache

import msgspec
from msgspec.structs import replace

from modelcar_tui.models.config import Config
from modelcar_tui.models.towers import (
    deepseek_like,
    gemma_like,
    intern_like,
    llava_like,
    molmo_like,
    more_vision,
    nemotron_like,
    ovis_like,
    phi_like,
    qwen_like,
    single,
    speech,
)
from modelcar_tui.models.towers.part import Part
from modelcar_tui.models.towers.sizes import MissingSizeError, Sizes, composite

_SEES = frozenset({"image", "video"})
_IMAGES = frozenset({"image"})
_ALWAYS: frozenset[str] = frozenset()


class Row(msgspec.Struct, frozen=True, eq=False):
    """Architectures that are built alike."""

    recipe: Callable[[Sizes], Iterator[Part]]
    kind: str
    """The composite's `model_type`, for a file that states its language model's."""
    names: tuple[str, ...]
    serves: frozenset[str] = _SEES
    """Modalities without which the vision tower is left out; none: it is always built."""


_ROWS = (
    Row(llava_like.llava, "llava", ("LlavaForConditionalGeneration",), _IMAGES),
    Row(llava_like.llava_next, "llava_next", ("LlavaNextForConditionalGeneration",), _IMAGES),
    Row(
        llava_like.llava_next_video,
        "llava_next_video",
        ("LlavaNextVideoForConditionalGeneration",),
        frozenset({"video"}),
    ),
    Row(
        llava_like.llava_onevision,
        "llava_onevision",
        ("LlavaOnevisionForConditionalGeneration",),
    ),
    Row(llava_like.bee, "llava_onevision", ("BeeForConditionalGeneration",)),
    Row(llava_like.r_vl, "llava_onevision", ("RForConditionalGeneration",)),
    Row(llava_like.mistral3, "mistral3", ("Mistral3ForConditionalGeneration",), _IMAGES),
    Row(llava_like.mistral3, "lighton_ocr", ("LightOnOCRForConditionalGeneration",), _IMAGES),
    Row(llava_like.pixtral, "pixtral", ("PixtralForConditionalGeneration",), _IMAGES),
    Row(llava_like.gemma3, "gemma3", ("Gemma3ForConditionalGeneration",), _IMAGES),
    Row(llava_like.paligemma, "paligemma", ("PaliGemmaForConditionalGeneration",), _IMAGES),
    Row(llava_like.colpali, "colpali", ("ColPaliForRetrieval",), _IMAGES),
    Row(llava_like.cohere2_vision, "cohere2_vision", ("Cohere2VisionForConditionalGeneration",), _IMAGES),
    Row(llava_like.aya_vision, "aya_vision", ("AyaVisionForConditionalGeneration",), _IMAGES),
    Row(llava_like.idefics3, "idefics3", ("Idefics3ForConditionalGeneration",), _ALWAYS),
    Row(llava_like.idefics3, "smolvlm", ("SmolVLMForConditionalGeneration",), _ALWAYS),
    Row(llava_like.blip2, "blip-2", ("Blip2ForConditionalGeneration",), _IMAGES),
    Row(llava_like.clip, "clip", ("CLIPModel",), _IMAGES),
    Row(llava_like.siglip, "siglip", ("SiglipModel",), _IMAGES),
    Row(
        llava_like.minicpmv4_6,
        "minicpmv4_6",
        ("MiniCPMV4_6ForConditionalGeneration", "MiniCPMV4_7ForConditionalGeneration"),
        _IMAGES,
    ),
    Row(llava_like.paddleocr, "paddleocr_vl", ("PaddleOCRVLForConditionalGeneration",), _IMAGES),
    Row(llava_like.cosmos3_edge, "cosmos3_edge", ("Cosmos3EdgeForConditionalGeneration",)),
    Row(
        qwen_like.qwen2_vl,
        "qwen2_vl",
        ("Qwen2VLForConditionalGeneration", "Tarsier2ForConditionalGeneration"),
    ),
    Row(
        qwen_like.qwen2_5_vl,
        "qwen2_5_vl",
        ("Qwen2_5_VLForConditionalGeneration", "OpenCUAForConditionalGeneration"),
    ),
    Row(
        qwen_like.qwen3_vl,
        "qwen3_vl",
        ("Qwen3VLForConditionalGeneration", "Qwen3VLMoeForConditionalGeneration"),
    ),
    Row(
        qwen_like.qwen3_vl,
        "qwen3_5",
        (
            "Qwen3_5ForConditionalGeneration",
            "Qwen3_5MoeForConditionalGeneration",
            "InternS2PreviewForConditionalGeneration",
        ),
    ),
    Row(qwen_like.late, "qwen3_vl", ("ColQwen3", "OpsColQwen3Model", "Qwen3VLNemotronEmbedModel")),
    Row(qwen_like.late_3_5, "qwen3_5", ("ColQwen3_5",)),
    Row(
        qwen_like.qwen2_5_omni,
        "qwen2_5_omni",
        ("Qwen2_5OmniModel", "Qwen2_5OmniForConditionalGeneration"),
    ),
    Row(qwen_like.qwen3_vl, "cosmos3_omni", ("Cosmos3ForConditionalGeneration",)),
    Row(qwen_like.qwen3_omni, "qwen3_omni_moe", ("Qwen3OmniMoeForConditionalGeneration",)),
    Row(qwen_like.qwen3_asr, "qwen3_asr", ("Qwen3ASRForConditionalGeneration", "Qwen3ASRRealtimeGeneration")),
    Row(qwen_like.exaone4_5, "exaone4_5", ("Exaone4_5_ForConditionalGeneration",)),
    Row(qwen_like.glm4v, "glm4v", ("Glm4vForConditionalGeneration",)),
    Row(qwen_like.glm4v, "glm4v_moe", ("Glm4vMoeForConditionalGeneration",)),
    Row(qwen_like.glm_ocr, "glm_ocr", ("GlmOcrForConditionalGeneration",)),
    Row(qwen_like.kimi_k25, "kimi_k25", ("KimiK25ForConditionalGeneration",), frozenset({"vision_chunk"})),
    Row(qwen_like.kimi_k3, "kimi_k3", ("KimiK3ForConditionalGeneration",), _IMAGES),
    Row(qwen_like.llama4, "llama4", ("Llama4ForConditionalGeneration",), _IMAGES),
    Row(
        qwen_like.muse_glimmer,
        "muse_glimmer",
        ("MuseGlimmerForConditionalGeneration", "MuseGlimmerForCausalLM"),
    ),
    Row(
        intern_like.intern_s1,
        "internvl",
        ("InternVLForConditionalGeneration", "InternS1ForConditionalGeneration"),
    ),
    Row(
        intern_like.internvl_chat,
        "internvl_chat",
        ("InternVLChatModel", "H2OVLChatModel", "SkyworkR1VChatModel", "QianfanOCRForConditionalGeneration"),
    ),
    Row(intern_like.nvlm, "NVLM_D", ("NVLM_D",)),
    Row(nemotron_like.nano_vl, "Llama_Nemotron_Nano_VL", ("Llama_Nemotron_Nano_VL",), _IMAGES),
    Row(
        nemotron_like.nano_vl_v2,
        "NemotronH_Nano_VL_V2",
        (
            "NemotronH_Nano_VL",
            "NemotronH_Nano_VL_V2",
            "NemotronH_Nano_Omni_Reasoning_V3",
            "NemotronH_Super_Omni_Reasoning_V3",
            "NemotronH_Omni_Reasoning_V3",
        ),
        frozenset({"image", "video", "audio"}),
    ),
    Row(
        nemotron_like.embed_vl,
        "llama_nemotron_vl",
        ("LlamaNemotronVLModel", "LlamaNemotronVLForSequenceClassification"),
        _IMAGES,
    ),
    Row(phi_like.phi3v, "phi3_v", ("Phi3VForCausalLM",), _IMAGES),
    Row(phi_like.phi4mm, "phi4mm", ("Phi4MMForCausalLM",)),
    Row(molmo_like.molmo, "molmo", ("MolmoForCausalLM",), _IMAGES),
    Row(molmo_like.molmo2, "molmo2", ("Molmo2ForConditionalGeneration",)),
    Row(ovis_like.ovis, "ovis", ("Ovis",), _IMAGES),
    Row(ovis_like.ovis2_5, "ovis2_5", ("Ovis2_5", "Ovis2_6ForCausalLM", "Ovis2_6_MoeForCausalLM")),
    Row(deepseek_like.vl2, "deepseek_vl_v2", ("DeepseekVLV2ForCausalLM",), _IMAGES),
    Row(deepseek_like.ocr, "deepseek_vl_v2", ("DeepseekOCRForCausalLM", "UnlimitedOCRForCausalLM"), _IMAGES),
    Row(
        deepseek_like.v4,
        "deepseek_v4",
        ("DeepseekV4ForConditionalGeneration", "DeepseekV4ForCausalLM"),
        _IMAGES,
    ),
    Row(deepseek_like.ocr2, "deepseek_vl_v2", ("DeepseekOCR2ForCausalLM",), _IMAGES),
    Row(single.glm4v, "chatglm", ("GLM4VForCausalLM",), _IMAGES),
    Row(single.kanana_v, "kanana-1.5-v", ("KananaVForConditionalGeneration",), _IMAGES),
    Row(single.bagel, "bagel", ("BagelForConditionalGeneration",), _IMAGES),
    Row(single.openvla, "openvla", ("OpenVLAForActionPrediction",), _IMAGES),
    Row(single.bailing_vl, "bailing_moe_v3_vl", ("BailingMoeV3VLForConditionalGeneration",), _IMAGES),
    Row(single.minimax_vl, "minimax_m3_vl", ("MiniMaxM3SparseForConditionalGeneration",)),
    Row(single.llava_onevision2, "llava_onevision2", ("LlavaOnevision2ForConditionalGeneration",)),
    Row(single.fuyu, "fuyu", ("FuyuForCausalLM",), _IMAGES),
    Row(single.minicpmo, "minicpmo", ("MiniCPMO",)),
    Row(
        single.moss_transcribe, "moss_transcribe_diarize", ("MossTranscribeDiarizeForConditionalGeneration",)
    ),
    Row(qwen_like.qwen3_vl, "qwen4_exp", ("Qwen4ExpForConditionalGeneration",)),
    Row(gemma_like.gemma4, "gemma4", ("Gemma4ForConditionalGeneration",)),
    Row(gemma_like.gemma4, "embedding_gemma2", ("EmbeddingGemma2Model",)),
    Row(gemma_like.gemma4, "diffusion_gemma", ("DiffusionGemmaForBlockDiffusion",)),
    Row(gemma_like.gemma4_unified, "gemma4_unified", ("Gemma4UnifiedForConditionalGeneration",), _ALWAYS),
    Row(gemma_like.gemma3n, "gemma3n", ("Gemma3nForConditionalGeneration",), _IMAGES),
    Row(more_vision.lfm2_vl, "lfm2_vl", ("Lfm2VlForConditionalGeneration",), _IMAGES),
    Row(more_vision.isaac, "isaac", ("IsaacForConditionalGeneration",), _IMAGES),
    Row(more_vision.kimi_vl, "kimi_vl", ("KimiVLForConditionalGeneration",), _IMAGES),
    Row(more_vision.ernie_vl, "ernie4_5_vl_moe", ("Ernie4_5_VLMoeForConditionalGeneration",)),
    Row(more_vision.aria, "aria", ("AriaForConditionalGeneration",), _IMAGES),
    Row(
        more_vision.step_vl,
        "step3p7",
        ("StepVLForConditionalGeneration", "Step3p7ForConditionalGeneration"),
        _IMAGES,
    ),
    Row(more_vision.step3_vl, "step3_vl", ("Step3VLForConditionalGeneration",), _IMAGES),
    Row(more_vision.dots_ocr, "dots_ocr", ("DotsOCRForCausalLM",), _IMAGES),
    Row(
        more_vision.keye,
        "keye",
        ("KeyeForConditionalGeneration", "KeyeVL1_5ForConditionalGeneration"),
    ),
    Row(more_vision.granite4_vision, "granite4_vision", ("Granite4VisionForConditionalGeneration",), _IMAGES),
    Row(more_vision.modernvbert, "modernvbert", ("ColModernVBertForRetrieval",), _ALWAYS),
    Row(more_vision.jina_vl, "qwen2_vl", ("JinaVLForRanking",)),
    Row(more_vision.hcx_vision2, "hyperclovax_vision_v2", ("HCXVisionV2ForCausalLM",)),
    Row(more_vision.minicpmv, "minicpmv", ("MiniCPMV",)),
    Row(speech.glm_asr, "glmasr", ("GlmAsrForConditionalGeneration",)),
    Row(speech.ultravox, "ultravox", ("UltravoxModel",)),
    Row(speech.qwen2_audio, "qwen2_audio", ("Qwen2AudioForConditionalGeneration",)),
    Row(
        speech.audio_flamingo,
        "audioflamingo3",
        ("AudioFlamingo3ForConditionalGeneration", "MusicFlamingoForConditionalGeneration"),
    ),
    Row(speech.voxtral, "voxtral", ("VoxtralForConditionalGeneration",)),
    Row(
        speech.granite_speech,
        "granite_speech",
        ("GraniteSpeechForConditionalGeneration", "GraniteSpeechPlusForConditionalGeneration"),
    ),
)
_WITHOUT = ("WhisperForConditionalGeneration", "CohereAsrForConditionalGeneration")
"""Encoder-decoders: their encoder is no tower."""


def parts_of(config: Config, arch: str) -> tuple[Part, ...] | str | None:
    """The towers of an architecture as config.json describes them.

    Returns:
        Why they can't be sized; nothing for an architecture without any; None for one that is not known.
    """
    if arch in _WITHOUT:
        return ()
    row = _by_name().get(arch)
    if row is None:
        return None
    try:
        return tuple(_serving(one, row.serves) for one in row.recipe(composite(config, row.kind)))
    except MissingSizeError as missing:
        return f"config.json does not say {missing}"


def _serving(one: Part, served: frozenset[str]) -> Part:
    alone = one.kind == "audio" and served and "audio" not in served
    return replace(one, modalities=frozenset({"audio"}) if alone else served)


@cache
def _by_name() -> dict[str, Row]:
    return {name: row for row in _ROWS for name in row.names}
