"""Families whose layers or caches are their own: page sizes by vLLM's formulas, worked out by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from modelcar_tui.hardware.product import gpu_for
from modelcar_tui.memory.estimator import estimate
from modelcar_tui.memory.types import Estimate, Outcome
from modelcar_tui.models.facts import ModelFacts
from modelcar_tui.models.known import known_models
from modelcar_tui.vllm.arguments.engine_args import read_engine_args

CONFIGS: dict[str, dict[str, Any]] = {
    row["model"]: {"max_position_embeddings": 32768, **row["config"]}
    for row in json.loads(Path(__file__).with_name("parameter_counts.json").read_text())["models"]
}
DEEPSEEK_V32 = {
    **CONFIGS["deepseek-ai/DeepSeek-V3"],
    "architectures": ["DeepseekV32ForCausalLM"],
    "model_type": "deepseek_v32",
    "index_topk": 2048,
    "index_n_heads": 64,
    "index_head_dim": 128,
}


def size(
    config: dict[str, Any], gpus: int = 8, *args: str, vllm: str = "0.19.0", gpu: str = "H200"
) -> Estimate:
    wanted = read_engine_args((f"--tensor-parallel-size={gpus}", "--max-model-len=8192", *args), gpus, vllm)
    return estimate(ModelFacts(config=config), gpu_for(gpu, count=gpus), wanted, vllm=vllm)


@pytest.mark.parametrize(
    ("model", "gpus", "vllm", "token"),
    [
        (
            "nvidia/Llama-3_3-Nemotron-Super-49B-v1",
            4,
            "0.19.0",
            49 * 2 * 2 * 128 * 2,
        ),  # 49 of 80 layers attend
        ("moonshotai/Kimi-Linear-48B-A3B", 2, "0.19.0", 7 * 576 * 2),  # the latent of its 7 full layers
        ("openbmb/MiniCPM3-4B", 1, "0.19.0", 62 * 40 * 2 * 96 * 2),  # MLA's weights, but every head's keys
        ("deepseek-ai/DeepSeek-V2-Lite", 1, "0.6.6", 27 * 16 * 2 * 256 * 2),  # before the latent was cached
        ("deepseek-ai/DeepSeek-V2-Lite", 1, "0.8.4", 27 * 576 * 2),
        ("XiaomiMiMo/MiMo-V2-Flash", 8, "0.33.0", 9 * 1 * (192 + 128) * 2),
        ("tiiuae/Falcon-H1-7B", 1, "0.19.0", 44 * 2 * 2 * 128 * 2),
        ("MiniMaxAI/MiniMax-Text-01", 16, "0.19.0", 10 * 1 * 2 * 128 * 2),
    ],
)
def test_bytes_of_a_token(model, gpus, vllm, token):
    found = size(CONFIGS[model], gpus, vllm=vllm)
    assert found.kv_bytes_per_token.value == pytest.approx(token, rel=1e-3)


def test_a_sparse_cache_holds_latents_and_index_keys():
    assert size(DEEPSEEK_V32, 16).kv_bytes_per_token.value == pytest.approx(61 * (576 * 2 + 132), rel=1e-6)
    short = size(DEEPSEEK_V32, 16, "--kv-cache-dtype=fp8")
    assert short.kv_bytes_per_token.value == pytest.approx(61 * (656 + 132), rel=1e-6)
    assert short.outcome is Outcome.STARTS


def test_index_keys_of_some_layers_only():
    every_fourth = {**DEEPSEEK_V32, "index_topk_freq": 4, "index_skip_topk_offset": 3}
    own = sum(max(layer - 3 + 1, 0) % 4 == 0 for layer in range(61))
    found = size(every_fourth, 16).kv_bytes_per_token.value
    assert found == pytest.approx(61 * 576 * 2 + own * 132, rel=1e-3)


def test_a_delta_attention_page_raises_the_block():
    """(3 x 4096 x 3 x 2 + 32 x 128 x 128 x 4) B over 1152 B a token, in steps of 64: 1920 tokens."""
    found = size(CONFIGS["moonshotai/Kimi-Linear-48B-A3B"], 1)
    assert found.outcome is Outcome.STARTS
    assert found.kv_tokens.value is not None
    assert found.kv_tokens.value % 1920 == 0


def test_embeddings_by_layer_are_held_and_named():
    found = size(CONFIGS["google/gemma-3n-E4B text"], 1)
    assert found.outcome is Outcome.STARTS
    tables = next(term for term in found.weights_gib.terms if "by layer" in term.label)
    assert tables.value == pytest.approx(35 * 256 * 262144 * 2 / 2**30, rel=0.02)


def test_what_no_formula_covers_says_so():
    """Compressed attention without its ratios, or where nobody read how it is laid out."""
    bare = {**CONFIGS["deepseek-ai/DeepSeek-V3"], "model_type": "deepseek_v4"}
    found = size(bare, 16, vllm="0.33.0")
    assert found.outcome is Outcome.UNKNOWN
    assert "config.json does not describe its compressed attention" in found.why
    eight = {**bare, "num_hidden_layers": 8, "compress_ratios": [4, 128] * 4}
    assert size(eight, 8, vllm="0.33.0").outcome is Outcome.STARTS
    elsewhere = size(eight, 8, gpu="A100 80GB", vllm="0.33.0")
    assert elsewhere.outcome is Outcome.UNKNOWN
    assert "how its compressed attention is laid out" in elsewhere.why
    assert elsewhere.kv_tokens.value is None


def test_graphs_over_state_layers_need_a_block_for_every_sequence():
    """vLLM refuses from 0.20 on, capped the graphs in 0.18 and 0.19, and crashed before (issue 34094).

    By its own parts (0.28) the weights are 18.388 GiB, 0.859 of them the vision tower, and a block id is 16
    pages of 784 tokens, 49 MiB: 150 of them in what the encoder's run, the peak of the profile, leaves.
    """
    config = known_models().models["qwen3.6-27b"]
    tight = {
        **config,
        "quantization_config": {
            "quant_method": "modelopt",
            "quant_algo": "NVFP4",
            "ignore": ["lm_head", "model.visual*"],
        },
    }
    found = size(tight, 1, "--max-model-len=32768", gpu="RTX 5090", vllm="0.26.0")
    assert found.outcome is Outcome.REFUSED_ARGS
    assert "exceeds available Mamba cache blocks (150)" in found.error
    assert found.weights_gib.value == pytest.approx(18.388, rel=0.005)
    for way_out in ("--enforce-eager", "--max-num-seqs=128"):
        assert size(tight, 1, way_out, gpu="RTX 5090", vllm="0.26.0").outcome is Outcome.STARTS
    assert size(tight, 1, gpu="RTX 5090", vllm="0.19.1").outcome is Outcome.STARTS
    assert size(tight, 1, gpu="RTX 5090", vllm="0.17.0").outcome is Outcome.UNKNOWN


def test_a_hybrid_whose_config_hides_its_layers_is_not_sized():
    bare = {
        key: value for key, value in CONFIGS["nvidia/Nemotron-Nano-9B-v2"].items() if "pattern" not in key
    }
    found = size(bare, 1)
    assert found.outcome is Outcome.UNKNOWN
    assert "which of its layers" in found.why
    assert found.kv_tokens.value is None
