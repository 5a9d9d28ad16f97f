"""Towers of models that see or hear: their sizes, how GPUs share them, and what is left out."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

from modelcar_tui.models.known import known_models
from modelcar_tui.models.quantization.listed import storage_for
from modelcar_tui.models.quantization.scheme import PLAIN_SCHEME, Scheme
from modelcar_tui.models.shape import Shape, shape_of
from modelcar_tui.models.splits import tower_fault
from modelcar_tui.models.towers.part import held_bytes, part
from modelcar_tui.models.towers.pieces import column
from modelcar_tui.models.towers.registry import parts_of
from modelcar_tui.models.weights.tensors import true_count
from support import vllm_data

TEXT = {"model_type": "llama", "hidden_size": 2048, "num_hidden_layers": 2, "num_attention_heads": 16}
TEXT |= {"intermediate_size": 4096, "vocab_size": 32000}
INTERN = {"hidden_size": 3200, "intermediate_size": 12800, "num_hidden_layers": 6, "num_attention_heads": 25}
INTERN |= {"image_size": 448, "patch_size": 14, "qkv_bias": False, "norm_type": "rms_norm"}
FP8 = Scheme(name="fp8", bits=8)


def shaped(config: dict[str, Any]) -> Shape:
    shape = shape_of(config)
    assert isinstance(shape, Shape)
    return shape


@pytest.mark.parametrize("name", ["gemma-3-4b", "gemma-3-27b", "qwen2.5-vl-7b", "qwen3-vl-2b", "qwen3-vl-4b"])
def test_text_and_tower_are_the_published_size_to_the_weight(name: str) -> None:
    known = known_models().models[name]
    shape = shaped({key: value for key, value in known.items() if key != "params"})
    assert shape.tower is not None
    assert true_count(shape) + shape.tower.elements == pytest.approx(known["params"], rel=1e-5)


def internvl(heads: int) -> dict[str, Any]:
    vision = INTERN | {"num_attention_heads": heads}
    config = {"architectures": ["InternVLChatModel"], "model_type": "internvl_chat"}
    return config | {"llm_config": TEXT, "vision_config": vision}


def test_attention_that_the_gpus_cannot_share_is_whole_in_internvit() -> None:
    """As vLLM's own parameters: 25 heads on two GPUs, the MLP alone is halved (intern_vit.py)."""
    parts = parts_of(internvl(25), "InternVLChatModel")
    assert isinstance(parts, tuple)
    mlp = 6 * (2 * 3200 * 12800 + 12800)
    assert held_bytes(parts, 1, 2, (0, 32)) - held_bytes(parts, 2, 2, (0, 32)) == mlp
    assert tower_fault(shaped(internvl(25)), 2) is None


def test_heads_that_the_gpus_cannot_share_are_refused_in_vllms_words() -> None:
    vision = {"hidden_size": 1536, "num_heads": 12, "depth": 2, "intermediate_size": 13696}
    vision |= {"out_hidden_size": 4096, "patch_size": 14, "image_size": 336}
    config = {"architectures": ["Glm4vForConditionalGeneration"], "model_type": "glm4v"}
    shape = shaped(config | {"text_config": TEXT, "vision_config": vision})
    fault = tower_fault(shape, 8)
    assert fault is not None
    assert fault.error == "12 is not divisible by 8"
    assert tower_fault(shape, 8, data=True) is None
    assert tower_fault(shape, 8, without=frozenset({"image", "video"})) is None
    assert tower_fault(shape, 4) is None


@pytest.mark.parametrize(("taken", "built"), [(-1, 24), (-2, 23), ([-24, -12], 13), (5, 5)])
def test_llava_builds_no_layer_beyond_the_one_whose_output_it_takes(taken: object, built: int) -> None:
    config = {"architectures": ["LlavaForConditionalGeneration"], "model_type": "llava"}
    config |= {"text_config": TEXT, "vision_feature_layer": taken}
    parts = parts_of(config, "LlavaForConditionalGeneration")
    assert isinstance(parts, tuple)
    fc1 = [piece for piece in parts[0].pieces if (piece.out, piece.inner) == (4096, 1024)]
    assert {piece.only or "built": piece.count for piece in fc1 if piece.count} == {
        "built": built,
        **({"file": 24 - built} if built < 24 else {}),
    }


@pytest.mark.parametrize(
    ("ignored", "scheme"),
    [
        ([], FP8),
        (["lm_head"], FP8),
        (["re:visual.*"], PLAIN_SCHEME),
        (["re:.*visual.*"], PLAIN_SCHEME),
        (["visual.blocks.0.attn.qkv", "visual.blocks.1.attn.qkv"], PLAIN_SCHEME),
        (["model.visual.merger.mlp.0"], PLAIN_SCHEME),
        (["re:.*self_attn.*"], PLAIN_SCHEME),  # of the MLP it would be too much; nothing less is known here
        (["re:.*block_sparse_moe.*"], FP8),
    ],
)
def test_a_list_of_what_stays_unquantized_may_name_the_tower(ignored: list[str], scheme: Scheme) -> None:
    groups = {"group_0": {"targets": ["Linear"], "weights": {"num_bits": 8, "type": "float"}}}
    raw = {"quant_method": "compressed-tensors", "format": "float-quantized", "config_groups": groups}
    storage = storage_for(raw | {"ignore": ignored}, FP8)
    assert (storage.of_part("visual").bits < PLAIN_SCHEME.bits) == (scheme is FP8)


def test_what_is_missing_is_named() -> None:
    config = {"architectures": ["LlavaForConditionalGeneration"], "text_config": TEXT}
    strange = config | {"vision_config": {"model_type": "strange", "num_hidden_layers": 2}}
    assert parts_of(strange, "LlavaForConditionalGeneration") == (
        "config.json does not say a known kind of vision tower (its model_type is `strange`)"
    )
    shape = shaped({"architectures": ["OddVLForConditionalGeneration"], **TEXT})
    assert shape.tower is not None
    assert shape.tower.missing == "the weights of OddVLForConditionalGeneration's towers are not described"


@pytest.mark.parametrize(
    "arch", ["Cheers", "Alpamayo2Super", "MoonshotKimiaForCausalLM", "OddVLForConditionalGeneration"]
)
def test_what_sees_or_hears_and_has_no_recipe_is_not_sized_without_a_tower(arch: str) -> None:
    tower = shaped({"architectures": [arch], **TEXT}).tower
    assert tower is not None
    assert tower.missing == f"the weights of {arch}'s towers are not described"


@pytest.mark.parametrize("arch", ["LlamaForCausalLM", "ChatGLMForConditionalGeneration", "Gemma3ForCausalLM"])
def test_a_language_model_has_no_tower_even_where_its_config_describes_one(arch: str) -> None:
    assert shaped({"architectures": [arch], **TEXT, "num_key_value_heads": 2}).tower is None


def test_a_part_of_the_config_that_a_recipe_does_not_describe_is_named() -> None:
    vision = {"hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 128}
    vision |= {"image_size": 28, "patch_size": 14, "model_type": "siglip_vision_model"}
    config = {
        "architectures": ["LlavaForConditionalGeneration"],
        "text_config": TEXT,
        "vision_config": vision,
    }
    heard = shaped(config | {"audio_config": {"hidden_size": 64}}).tower
    assert heard is not None
    assert heard.missing == "the weights of LlavaForConditionalGeneration's audio tower are not described"
    seen = shaped(config).tower
    assert seen is not None
    assert not seen.missing


VLLM_HOLDS = {
    "AIDC-AI/Ovis1.6-Llama3.2-3B": (1, 2708.17),
    "AIDC-AI/Ovis2-8B": (2, 1869.06),
    "AIDC-AI/Ovis2.5-2B": (4, 1032.63),
    "BailingMoeV3VLForConditionalGeneration": (2, 414.59),
    "ByteDance-Seed/BAGEL-7B-MoT": (4, 276.39),
    "ColQwen3.5 27B form": (4, 233.11),
    "Kwai-Keye/Keye-VL-1_5-8B": (1, 936.25),
    "MiniMaxAI/MiniMax-M3-VL": (8, 209.31),
    "MossTranscribeDiarizeForConditionalGeneration": (8, 91.74),
    "deepseek-ai/DeepSeek-OCR": (1, 765.56),
    "deepseek-ai/DeepSeek-OCR-2": (2, 866.67),
    "deepseek-ai/deepseek-vl2-small": (4, 445.42),
    "kakaocorp/kanana-1.5-v-3b-instruct": (2, 658.04),
    "llava-onevision2 form": (8, 81.49),
    "microsoft/Phi-3.5-vision-instruct": (1, 784.77),
    "microsoft/Phi-4-multimodal-instruct": (4, 1107.13),
    "moonshotai/Kimi-K3": (1, 853.29),
    "nvidia/Llama-3.1-Nemotron-Nano-VL-8B-V1": (2, 1315.10),
    "nvidia/NVIDIA-Nemotron-Nano-12B-v2-VL-BF16": (8, 592.62),
    "nvidia/NVLM-D-72B": (2, 6962.31),
    "nvidia/llama-nemotron-embed-vl-1b-v2": (1, 814.79),
    "openbmb/MiniCPM-o-2_6": (2, 1186.51),
    "openvla/openvla-7b": (4, 1452.15),
}
"""MiB on each of so many GPUs: vLLM 0.32.0's own parameters of everything beside the language model."""


@cache
def configs() -> dict[str, dict[str, Any]]:
    return {row["id"]: row["config"] for row in vllm_data.lines("configs.jsonl")}


@pytest.mark.parametrize(("name", "told"), VLLM_HOLDS.items(), ids=list(VLLM_HOLDS))
def test_towers_and_projectors_are_as_large_as_vllms_own(name: str, told: tuple[int, float]) -> None:
    config, (tp, mebibytes) = configs()[name], told
    parts = parts_of(config, config["architectures"][0])
    assert isinstance(parts, tuple)
    assert held_bytes(parts, tp, 2, (0, 32)) / 2**20 == pytest.approx(mebibytes, rel=1e-4)


def test_deepseek_v4_sees_where_its_config_counts_layers_that_do() -> None:
    """As vLLM's own parameters of 24 such layers on eight GPUs (deepseek_v4/common/vision.py)."""
    arch = "DeepseekV4ForCausalLM"
    text = {"architectures": [arch], "model_type": "deepseek_v4", "hidden_size": 4096}
    assert parts_of(text, arch) == ()
    parts = parts_of(text | {"vision_n_layers": 24}, arch)
    assert isinstance(parts, tuple)
    assert held_bytes(parts, 8, 2, (0, 32)) / 2**20 == pytest.approx(87.92, rel=1e-3)
    assert {part.quantized for part in parts} == {False}


def test_layers_that_were_pytorchs_before_vllm_cut_them_were_not_quantized_then() -> None:
    pieces = column(1024, 1024, bias=False)
    parts = [part("audio", pieces, name="audio_tower", cut_since=(0, 28))]
    whole, cut = (
        held_bytes(parts, 2, 2, release, scheme_of=lambda name: FP8) for release in ((0, 27), (0, 28))
    )
    assert whole == 2 * 2**20
    assert cut == pytest.approx(2**19, rel=1e-3)
