"""Small models whose KV cache is worked out by hand, and how their plan is asked for.

A page is one block of one layer: tokens x KV heads on this GPU x (key + value width) x bytes.
"""

from __future__ import annotations

from typing import Any

from sizing_models import DEEPSEEK_LITE

from modelcar_tui.hardware.gpu import Gpu
from modelcar_tui.hardware.product import gpu_for
from modelcar_tui.memory.kv.layers import layers_of
from modelcar_tui.memory.kv.plan import Plan, plan_for
from modelcar_tui.memory.kv.specs import Spec
from modelcar_tui.memory.start import Start, start_of
from modelcar_tui.models.facts import ModelFacts
from modelcar_tui.models.model import Model, describe_model
from modelcar_tui.vllm.arguments.engine_args import read_engine_args
from modelcar_tui.vllm.profile import profile_for

SMALL: dict[str, Any] = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "hidden_size": 1024,
    "num_hidden_layers": 8,
    "num_attention_heads": 8,
    "num_key_value_heads": 4,
    "head_dim": 64,
    "vocab_size": 32000,
    "intermediate_size": 2048,
    "max_position_embeddings": 4096,
}
"""A token of a layer is 4 heads x (64 + 64) x 2 B = 1,024 B, a page of 16 tokens 16,384 B."""
TOKEN, PAGE = 1024, 16384
SLIDING = {**SMALL, "sliding_window": 512}
CHUNKED = {**SMALL, "attention_chunk_size": 256, "no_rope_layers": [1, 1, 1, 0] * 2}
MIXED = {**SLIDING, "layer_types": ["sliding_attention"] * 6 + ["full_attention"] * 2}
MAMBA: dict[str, Any] = {
    **SMALL,
    "architectures": ["BambaForCausalLM"],
    "model_type": "bamba",
    "attn_layer_indices": [3, 7],
    "mamba_n_heads": 32,
    "mamba_d_head": 64,
    "mamba_n_groups": 2,
    "mamba_d_state": 128,
    "mamba_d_conv": 4,
}
"""Mamba 2: convolution of (32 x 64 + 2 x 2 x 128) x 3 x 2 B = 15,360 B, state of 32 x 64 x 128 x 2 B =
524,288 B."""
MAMBA_1: dict[str, Any] = {
    **SMALL,
    "architectures": ["JambaForCausalLM"],
    "model_type": "jamba",
    "attn_layer_period": 4,
    "attn_layer_offset": 3,
    "mamba_d_state": 16,
    "mamba_d_conv": 4,
    "mamba_expand": 2,
}
"""Mamba 1: 2,048 channels x 3 x 2 B = 12,288 B of convolution, 2,048 x 16 x 2 B = 65,536 B of state."""
KIMI: dict[str, Any] = {
    **DEEPSEEK_LITE,
    "model_type": "kimi_linear",
    "num_hidden_layers": 8,
    "linear_attn_config": {
        "kda_layers": [1, 2, 3, 5, 6, 7],
        "num_heads": 32,
        "head_dim": 128,
        "short_conv_kernel_size": 4,
    },
}
"""Kimi Delta Attention: 3 x 4,096 channels x 3 x 2 B = 73,728 B, a state of 32 x 128 x 128 x 4 B = 2,097,152
B. A latent beside it is 576 numbers, 1,152 B."""


def started(config: dict[str, Any], *args: str, vllm: str = "0.19.0", gpu: Gpu | str = "H100") -> Start:
    """A start of the model on eight cards."""
    wanted = read_engine_args(args, None, vllm)
    assert not wanted.problems
    facts = ModelFacts(config=config)
    model = describe_model(
        facts, quantization=wanted.quantization, dtype=wanted.dtype, overrides=wanted.overrides
    )
    assert isinstance(model, Model), model
    card = gpu_for(gpu, count=8) if isinstance(gpu, str) else gpu
    return start_of(model, card, wanted, profile_for(vllm))


def planned(
    config: dict[str, Any], *args: str, rank: tuple[int, int] | None = None, **how: Any
) -> Plan | str | None:
    """The plan of all layers, or of those of a pipeline rank."""
    start = started(config, *args, **how)
    return plan_for(start, rank=rank or (0, start.model.shape.layers))


def plan(config: dict[str, Any], *args: str, **how: Any) -> Plan:
    """The plan, which there is; all its figures are whole numbers."""
    found = planned(config, *args, **how)
    assert isinstance(found, Plan), found
    counted = {type(figure) for group in found.groups for figure in (group.page, group.spec.page)}
    assert {*counted, type(found.block), type(found.block_bytes), type(found.checked_bytes)} == {int}
    return found


def specs(config: dict[str, Any], *args: str, rank: tuple[int, int] | None = None, **how: Any) -> list[Spec]:
    """The cache of each layer before they are grouped, those that are alike once."""
    start = started(config, *args, **how)
    return [spec for spec, _ in layers_of(start, rank or (0, start.model.shape.layers))]


def counts(
    config: dict[str, Any], *args: str, rank: tuple[int, int] | None = None, **how: Any
) -> dict[str, int]:
    """How many layers have a cache of each kind."""
    start = started(config, *args, **how)
    found: dict[str, int] = {}
    for spec, count in layers_of(start, rank or (0, start.model.shape.layers)):
        found[spec.kind] = found.get(spec.kind, 0) + count
    return found


def spec(config: dict[str, Any], *args: str, kind: str = "", **how: Any) -> Spec:
    """The only cache of a kind."""
    (found,) = [one for one in specs(config, *args, **how) if not kind or one.kind == kind]
    return found


def groups(found: Plan) -> list[tuple[str, int]]:
    """Kind and layers of each group."""
    return [(group.kind, group.layers) for group in found.groups]
