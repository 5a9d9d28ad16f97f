"""What the engine refuses of arguments that its parser takes, rule by rule; vLLM's function beside each."""

from __future__ import annotations

import json
from typing import Any

import pytest

from modelcar_tui.hardware.product import gpu_for
from modelcar_tui.models.facts import ModelFacts
from modelcar_tui.vllm.arguments.parsing import parse_arguments
from modelcar_tui.vllm.refusals import asked_of_server, start_refusals

LLAMA: dict[str, Any] = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "hidden_size": 4096,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "vocab_size": 128256,
    "intermediate_size": 14336,
    "max_position_embeddings": 131072,
}
LATENT: dict[str, Any] = LLAMA | {
    "architectures": ["DeepseekV3ForCausalLM"],
    "model_type": "deepseek_v3",
    "kv_lora_rank": 512,
    "q_lora_rank": 1536,
    "qk_rope_head_dim": 64,
    "qk_nope_head_dim": 128,
    "v_head_dim": 128,
    "n_routed_experts": 256,
    "num_experts_per_tok": 8,
    "moe_intermediate_size": 2048,
    "num_key_value_heads": 32,
}
EXPERTS: dict[str, Any] = LLAMA | {
    "architectures": ["Qwen3MoeForCausalLM"],
    "model_type": "qwen3_moe",
    "num_experts": 128,
    "num_experts_per_tok": 8,
    "moe_intermediate_size": 768,
}
ENCODER: dict[str, Any] = LLAMA | {
    "architectures": ["BertModel"],
    "model_type": "bert",
    "num_key_value_heads": 32,
    "max_position_embeddings": 512,
}
HYBRID: dict[str, Any] = LLAMA | {
    "architectures": ["GraniteMoeHybridForCausalLM"],
    "model_type": "granitemoehybrid",
    "layer_types": ["mamba", "attention"] * 16,
    "mamba_n_heads": 128,
    "mamba_d_head": 64,
    "mamba_d_state": 128,
    "mamba_n_groups": 8,
    "mamba_d_conv": 4,
    "mamba_expand": 2,
}
SINKS: dict[str, Any] = LLAMA | {"architectures": ["GptOssForCausalLM"], "model_type": "gpt_oss"}
NEWEST = "0.33.0"


def codes(config: dict[str, Any], *args: str, vllm: str = NEWEST, gpus: int = 1, gpu: str = "") -> list[str]:
    facts = ModelFacts(config=config)
    asked = asked_of_server(
        parse_arguments(args, vllm), vllm, facts, gpus=gpus, gpu=gpu_for(gpu, count=8) if gpu else None
    )
    return [refusal.code for refusal in start_refusals(asked)]


def spec(**keys: Any) -> str:
    return f"--speculative-config={json.dumps(keys)}"


@pytest.mark.parametrize(
    ("argument", "vllm", "refused"),
    [
        ("--max-logprobs=-2", "0.25.0", True),
        ("--max-logprobs=-2", "0.24.0", False),
        ("--max-logprobs=-1", NEWEST, False),
        ("--stream-interval=0", "0.11.2", True),
        ("--mm-processor-cache-gb=-0.5", NEWEST, True),
        ("--kv-cache-metrics-sample=1.5", NEWEST, True),
        ("--kv-cache-metrics-sample=1", NEWEST, False),
        ("--watermark=1", "0.24.0", True),
        ("--data-parallel-rpc-port=65536", NEWEST, True),
        ('--eplb-config={"window_size":0}', NEWEST, True),
        ('--limit-mm-per-prompt={"image":-1}', NEWEST, True),
        ('--limit-mm-per-prompt={"image":{"count":1,"width":0}}', NEWEST, True),
        ('--limit-mm-per-prompt={"image":0}', NEWEST, False),
    ],
)
def test_numbers_lie_within_the_bounds_of_the_release(argument: str, vllm: str, refused: bool) -> None:
    """`Field(ge=1)` and the like in vllm/config/, as `ranges.json` has them."""
    assert codes(LLAMA, argument, vllm=vllm) == ["value-range"] * refused


@pytest.mark.parametrize(
    ("config", "argument", "vllm", "refused"),
    [
        (LLAMA, spec(method="ngram"), NEWEST, True),
        (LLAMA, spec(method="eagle3"), NEWEST, True),
        (LLAMA, spec(method="eagle3", num_speculative_tokens=3), "0.10.2", True),
        (LLAMA, spec(method="eagle3", model="/mnt/d", num_speculative_tokens=3), NEWEST, False),
        (LLAMA, spec(method="mtp", num_speculative_tokens=1), NEWEST, True),
        (LATENT, spec(method="mtp", num_speculative_tokens=1), NEWEST, False),
        (LATENT, spec(method="deepseek_mtp", num_speculative_tokens=1), "0.9.2", False),
        (LLAMA, spec(method="ngram", num_speculative_tokens=4, prompt_lookup_min=5, prompt_lookup_max=4),
         "0.8.5", True),
        (LLAMA, spec(method="ngram", num_speculative_tokens=4, prompt_lookup_max=4), NEWEST, False),
        (LLAMA, spec(method="draft_model", model="/mnt/d", num_speculative_tokens=3), "0.13.0", True),
        (LLAMA, spec(method="draft_model", model="/mnt/d", num_speculative_tokens=3), "0.16.0", False),
        (LLAMA, spec(model="/mnt/d", num_speculative_tokens=3, draft_tensor_parallel_size=3), NEWEST, True),
        (LLAMA, spec(model="/mnt/d", num_speculative_tokens=3, tensor_parallel_size=1), NEWEST, True),
    ],
)  # fmt: skip
def test_a_draft_needs_its_settings_and_a_model_that_has_it(
    config: dict[str, Any], argument: str, vllm: str, refused: bool
) -> None:
    """config/speculative.py SpeculativeConfig.__post_init__, _verify_args, hf_config_override."""
    assert codes(config, argument, vllm=vllm) == ["speculation"] * refused


@pytest.mark.parametrize(
    ("config", "args", "code"),
    [
        (EXPERTS, ("--enable-eplb", "--tensor-parallel-size=4"), "engine-needs"),
        (EXPERTS, ("--enable-eplb", "--enable-expert-parallel"), "parallel-sizes"),
        (EXPERTS, ("--enable-eplb", "--enable-expert-parallel", "--tensor-parallel-size=4"), ""),
        (EXPERTS, ('--eplb-config={"num_redundant_experts":4}',), "engine-needs"),
        (LLAMA, ("--tensor-parallel-size=8", "--decode-context-parallel-size=2"), "context-parallel"),
        (LLAMA, ("--tensor-parallel-size=16", "--decode-context-parallel-size=4"), "context-parallel"),
        (LLAMA, ("--tensor-parallel-size=16", "--decode-context-parallel-size=2"), ""),
        (LATENT, ("--tensor-parallel-size=8", "--decode-context-parallel-size=8"), ""),
        (LLAMA, ("--prefill-context-parallel-size=2",), "context-parallel"),
        (LATENT, ("--prefill-context-parallel-size=2",), ""),
        (LLAMA, ("--nnodes=2",), "parallel-sizes"),
        (LLAMA, ("--nnodes=2", "--tensor-parallel-size=4"), ""),
        (LLAMA, ("--nnodes=2", "--node-rank=2", "--tensor-parallel-size=4"), "parallel-sizes"),
        (LLAMA, ("--data-parallel-size=2", "--data-parallel-size-local=4"), "parallel-sizes"),
        (LLAMA, ("--data-parallel-external-lb",), "parallel-sizes"),
        (EXPERTS, ("--data-parallel-size=2", "--data-parallel-hybrid-lb"), "engine-needs"),
        (EXPERTS, ("--enable-dbo",), "engine-needs"),
        (EXPERTS, ("--enable-dbo", "--all2all-backend=deepep_low_latency"), ""),
        (LLAMA, ("--ubatch-size=2",), "engine-needs"),
        (HYBRID, ("--tensor-parallel-size=16",), "tensor-parallel"),
        (HYBRID, ("--tensor-parallel-size=8",), ""),
        (SINKS, ("--tensor-parallel-size=16",), "tensor-parallel"),
        (SINKS, ("--tensor-parallel-size=8",), ""),
    ],
)  # fmt: skip
def test_parallel_sizes_go_together_and_with_the_model(
    config: dict[str, Any], args: tuple[str, ...], code: str
) -> None:
    """config/parallel.py, config/model.py verify_with_parallel_config, EngineArgs.create_engine_config."""
    assert codes(config, *args) == [code] * bool(code)


@pytest.mark.parametrize(
    ("args", "code"),
    [
        (("--long-prefill-token-threshold=1000000",), "value-range"),
        (("--long-prefill-token-threshold=4096",), ""),
        (("--max-model-len=2048", "--long-prefill-token-threshold=4096"), "value-range"),
        (("--max-num-active-seqs=8", "--max-num-seqs=4"), "value-range"),
        (('--compilation-config={"cudagraph_capture_sizes":[]}',), "graph-sizes"),
        (('--compilation-config={"cudagraph_capture_sizes":[]}', "--enforce-eager"), ""),
        (("--max-cudagraph-capture-size=0",), "graph-sizes"),
        (("--max-cudagraph-capture-size=8", "--cudagraph-capture-sizes", "1", "4"), "graph-sizes"),
        (("--max-cudagraph-capture-size=8", "--cudagraph-capture-sizes", "1", "8"), ""),
        (("--attention-backend=FLASH_ATTN", '--attention-config={"backend":"FLASH_ATTN"}'), "exclusive"),
        (("--enable-lora", "--max-loras=2", "--max-cpu-loras=1"), "value-range"),
        (("--max-loras=2", "--max-cpu-loras=1"), ""),
        (("--offload-group-size=2", "--offload-num-in-group=4"), "value-range"),
        (("--collect-detailed-traces=all",), "engine-needs"),
        (('--structured-outputs-config={"disable_any_whitespace":true}',), "engine-needs"),
    ],
)
def test_settings_do_not_contradict_each_other(args: tuple[str, ...], code: str) -> None:
    """config/scheduler.py, compilation.py, lora.py, offload.py, observability.py, structured_outputs.py."""
    assert codes(LLAMA, *args) == [code] * bool(code)


@pytest.mark.parametrize(
    ("config", "args", "vllm", "code"),
    [
        (ENCODER, ("--runner=generate",), NEWEST, "runner"),
        (ENCODER, ("--runner=pooling",), NEWEST, ""),
        (LLAMA, ("--runner=generate",), NEWEST, ""),
        (LLAMA, ("--runner=pooling", "--convert=none"), NEWEST, "runner"),
        (HYBRID, ("--no-enable-chunked-prefill",), "0.28.0", "state-cache"),
        (HYBRID, ("--no-enable-chunked-prefill",), "0.19.1", ""),
        (HYBRID, ("--no-enable-chunked-prefill", "--no-enable-prefix-caching"), NEWEST, ""),
        (LLAMA, ("--no-enable-chunked-prefill",), NEWEST, ""),
        (LATENT, ("--kv-cache-dtype=nvfp4",), NEWEST, "cache-type"),
        (LLAMA, ("--mm-shm-cache-max-object-size-mb=64",), NEWEST, "engine-needs"),
    ],
)  # fmt: skip
def test_the_model_goes_with_its_runner_and_its_states(
    config: dict[str, Any], args: tuple[str, ...], vllm: str, code: str
) -> None:
    """config/model.py, models/config.py MambaModelConfig, config/multimodal.py, config/vllm.py."""
    assert codes(config, *args, vllm=vllm) == [code] * bool(code)


@pytest.mark.parametrize(
    ("config", "args", "gpu", "code"),
    [
        (LLAMA, ("--attention-backend=FLASHMLA",), "", "attention-backend"),
        (LATENT, ("--attention-backend=FLASH_ATTN",), "", "attention-backend"),
        (LATENT, ("--attention-backend=FLASHMLA",), "NVIDIA-H200", ""),
        (LATENT, ("--attention-backend=FLASHMLA",), "NVIDIA-L40S", "attention-backend"),
        (LLAMA, ("--attention-backend=FLASH_ATTN",), "Tesla-T4", "attention-backend"),
        (LLAMA, ("--attention-backend=FLASH_ATTN", "--dtype=float32"), "", "attention-backend"),
        (LLAMA, ("--attention-backend=auto",), "", ""),
        (SINKS, ("--attention-backend=FLEX_ATTENTION",), "", "attention-backend"),
        (LLAMA, ("--block-size=8",), "NVIDIA-H200", "block-size"),
        (LLAMA, ("--block-size=17",), "", "block-size"),
        (LLAMA, ("--block-size=48",), "NVIDIA-H200", ""),
        (LATENT, ("--block-size=16",), "NVIDIA-H200", ""),
        (LLAMA, ("--kv-cache-dtype=fp8_ds_mla",), "", "cache-type"),
        (LLAMA, ("--kv-cache-dtype=fp8",), "NVIDIA-H200", ""),
        (LLAMA, ("--block-size=8",), "AMD-Instinct-MI300X-OAM", ""),
    ],
)  # fmt: skip
def test_an_attention_backend_must_be_able_to_run_the_model(
    config: dict[str, Any], args: tuple[str, ...], gpu: str, code: str
) -> None:
    """v1/attention/backend.py validate_configuration, platforms/cuda.py get_attn_backend_cls."""
    assert codes(config, *args, gpu=gpu) == [code] * bool(code)


def test_nothing_is_said_without_a_model_of_what_depends_on_it() -> None:
    asked = asked_of_server(
        parse_arguments(("--runner=generate", "--block-size=8", "--attention-backend=FLASHMLA"), NEWEST),
        NEWEST,
        None,
        gpus=1,
    )
    assert start_refusals(asked) == ()
