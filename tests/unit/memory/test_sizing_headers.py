"""A checkpoint's headers against the layers that its config describes."""

from __future__ import annotations

import pytest
from sizing_models import DEEPSEEK_LITE

from modelcar_tui.models.facts import ModelFacts, TensorGroup
from modelcar_tui.models.headers import measure
from modelcar_tui.models.model import Model, describe_model
from support.configs import LLAMA_8B

LAYER = "model.layers.{}."


def llama() -> list[TensorGroup]:
    shapes = {
        "self_attn.q_proj": (4096, 4096),
        "self_attn.k_proj": (1024, 4096),
        "self_attn.v_proj": (1024, 4096),
        "self_attn.o_proj": (4096, 4096),
        "mlp.gate_proj": (14336, 4096),
        "mlp.up_proj": (14336, 4096),
        "mlp.down_proj": (4096, 14336),
        "input_layernorm": (4096,),
        "post_attention_layernorm": (4096,),
    }
    groups = [TensorGroup(f"{LAYER}{name}.weight", "BF16", shape, 32) for name, shape in shapes.items()]
    edges = {"model.embed_tokens": (128256, 4096), "lm_head": (128256, 4096), "model.norm": (4096,)}
    return groups + [TensorGroup(f"{name}.weight", "BF16", shape, 1) for name, shape in edges.items()]


def prepared(config, groups) -> Model:
    made = describe_model(
        ModelFacts(config=config, tensors=tuple(groups)), quantization=None, dtype="auto", overrides=None
    )
    assert isinstance(made, Model)
    return made


def test_the_layers_of_the_config_explain_every_byte():
    assert prepared(LLAMA_8B, llama()).extra == 0
    assert measure(tuple(llama()), 2).elements == 8_030_261_248


def test_a_float32_checkpoint_is_cast():
    groups = [TensorGroup(group.pattern, "F32", group.shape, group.count) for group in llama()]
    assert prepared(LLAMA_8B, groups).extra == 0


def test_a_stored_output_matrix_of_a_tied_model_is_not_loaded():
    assert prepared({**LLAMA_8B, "tie_word_embeddings": True}, llama()).extra == 0


def test_fp8_with_its_scales():
    config = {**LLAMA_8B, "quantization_config": {"quant_method": "fp8", "weight_block_size": [128, 128]}}
    groups = []
    for group in llama():
        linear = "proj" in group.pattern
        groups.append(TensorGroup(group.pattern, "F8_E4M3" if linear else "BF16", group.shape, group.count))
        if linear:
            scales = (group.shape[0] // 128, group.shape[1] // 128)
            groups.append(TensorGroup(f"{group.pattern}_scale_inv", "F32", scales, group.count))
    assert prepared(config, groups).extra == 0


def test_draft_layers_behind_the_last_are_not_loaded():
    config = {**DEEPSEEK_LITE, "num_nextn_predict_layers": 1}
    experts = TensorGroup(f"{LAYER}mlp.experts.{{}}.up_proj.weight", "BF16", (1408, 2048), 27 * 64)
    plain = TensorGroup(f"{LAYER}self_attn.o_proj.weight", "BF16", (2048, 2048), 28)
    draft = TensorGroup(f"{LAYER}eh_proj.weight", "BF16", (2048, 4096), 1)
    found = measure((experts, plain, draft), 2, layers=config["num_hidden_layers"], drafts=1)
    assert found.elements == pytest.approx(26 * 64 * 1408 * 2048 + 27 * 2048 * 2048, rel=0.002)
