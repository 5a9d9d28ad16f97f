"""What the experts' kernels keep: the choice of a release's own files, the sizes of its own workspaces."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from modelcar_tui.core.facts import GIB
from modelcar_tui.hardware.product import gpu_for
from modelcar_tui.memory import expert_kernels
from modelcar_tui.memory.activation import peak_of
from modelcar_tui.memory.estimator import estimate
from modelcar_tui.memory.expert_kernels import Workspace
from modelcar_tui.memory.open_questions import open_questions
from modelcar_tui.memory.start import Start, start_of
from modelcar_tui.models.facts import ModelFacts
from modelcar_tui.models.model import Model, describe_model
from modelcar_tui.vllm.arguments.engine_args import read_engine_args
from modelcar_tui.vllm.profile import profile_for

QWEN: dict[str, Any] = {
    "architectures": ["Qwen3MoeForCausalLM"],
    "model_type": "qwen3_moe",
    "hidden_size": 4096,
    "intermediate_size": 12288,
    "moe_intermediate_size": 1536,
    "num_experts": 128,
    "num_experts_per_tok": 8,
    "num_hidden_layers": 94,
    "num_attention_heads": 64,
    "num_key_value_heads": 4,
    "head_dim": 128,
    "vocab_size": 151936,
    "max_position_embeddings": 40960,
    "decoder_sparse_step": 1,
    "mlp_only_layers": [],
    "torch_dtype": "bfloat16",
}
BLOCKS = {
    "quant_method": "fp8",
    "activation_scheme": "dynamic",
    "weight_block_size": [128, 128],
}
_ROWS = {"num_bits": 8, "type": "float", "strategy": "channel", "symmetric": True}
ROWS = {
    "quant_method": "compressed-tensors",
    "format": "float-quantized",
    "config_groups": {
        "group_0": {
            "targets": ["Linear"],
            "weights": _ROWS,
            "input_activations": {**_ROWS, "strategy": "token", "dynamic": True},
        }
    },
}
TENSOR = {"quant_method": "modelopt", "quant_algo": "FP8"}
INT4 = {"quant_method": "gptq", "bits": 4, "group_size": 128}
NVFP4 = {"quant_method": "modelopt", "quant_algo": "NVFP4"}
MXFP4 = {"quant_method": "mxfp4"}
EACH = 8192 * 8 * 4096 * 2.0
"""One intermediate result of 8,192 tokens, as wide as the hidden states."""


def started(
    *args: str, vllm: str, gpu: str = "H200", scheme: dict[str, Any] | None = None, **config: Any
) -> Start:
    found = {**QWEN, **config} if scheme is None else {**QWEN, **config, "quantization_config": scheme}
    model = describe_model(ModelFacts(config=found), quantization=None, dtype="auto", overrides=None)
    assert isinstance(model, Model)
    return start_of(model, gpu_for(gpu, count=8), read_engine_args(args, None, vllm), profile_for(vllm))


@pytest.mark.parametrize(
    ("scheme", "gpu", "vllm", "kept"),
    [
        # Unquantized: a function of its own until 0.13; FlashInfer's from 0.20, on Hopper not from 0.23 on.
        (None, "H200", "0.10.2", Workspace.NOTHING),
        (None, "H200", "0.13.0", Workspace.NOTHING),
        (None, "H200", "0.14.1", Workspace.BOTH),
        (None, "H200", "0.19.0", Workspace.BOTH),
        (None, "H200", "0.20.0", Workspace.OUTPUT),
        (None, "H200", "0.24.0", Workspace.BOTH),
        (None, "B200", "0.24.0", Workspace.OUTPUT),
        (None, "A100", "0.20.0", Workspace.BOTH),
        # Blocks: DeepGEMM, FlashInfer in 0.15 and 0.16, then Triton on Hopper; TRT-LLM on Blackwell.
        (BLOCKS, "H200", "0.11.0", Workspace.NOTHING),
        (BLOCKS, "H200", "0.11.2", Workspace.ALIGNED),
        (BLOCKS, "H200", "0.13.0", Workspace.ALIGNED),
        (BLOCKS, "H200", "0.16.0", Workspace.OUTPUT),
        (BLOCKS, "H200", "0.18.0", Workspace.BOTH),
        (BLOCKS, "B200", "0.11.0", Workspace.ALIGNED),
        (BLOCKS, "B200", "0.18.0", Workspace.NOTHING),
        (BLOCKS, "L40S", "0.13.0", Workspace.NOTHING),
        (BLOCKS, "L40S", "0.16.0", Workspace.BOTH),
        # A scale for each row: CUTLASS from Hopper on; for each matrix: FlashInfer from 0.15 on.
        (ROWS, "H200", "0.11.0", Workspace.BOTH),
        (ROWS, "L40S", "0.11.0", Workspace.NOTHING),
        (ROWS, "L40S", "0.14.1", Workspace.BOTH),
        (ROWS, "H200", "0.18.0", Workspace.BOTH),
        (TENSOR, "H200", "0.13.0", Workspace.NOTHING),
        (TENSOR, "H200", "0.14.1", Workspace.BOTH),
        (TENSOR, "H200", "0.16.0", Workspace.OUTPUT),
        (TENSOR, "L40S", "0.16.0", Workspace.BOTH),
        # Marlin for whole numbers.
        (INT4, "H200", "0.18.0", Workspace.NOTHING),
        (INT4, "H200", "0.20.0", Workspace.BOTH),
        (NVFP4, "B200", "0.13.0", Workspace.BOTH),
        (NVFP4, "B200", "0.18.0", Workspace.NOTHING),
        (NVFP4, "H200", "0.13.0", Workspace.NOTHING),
        (NVFP4, "H200", "0.18.0", Workspace.BOTH),
        (MXFP4, "H200", "0.19.0", Workspace.NOTHING),
        (MXFP4, "A100", "0.16.0", Workspace.NOTHING),
        (MXFP4, "A100", "0.19.0", Workspace.BOTH),
    ],
)
def test_what_keeps_a_workspace(scheme: dict[str, Any] | None, gpu: str, vllm: str, kept: Workspace) -> None:
    assert expert_kernels.workspace(started("-tp=4", vllm=vllm, gpu=gpu, scheme=scheme)) is kept


def test_many_gpus_and_parallel_experts_choose_otherwise_in_blocks() -> None:
    def of(*args: str, vllm: str) -> Workspace:
        return expert_kernels.workspace(started(*args, vllm=vllm, scheme=BLOCKS))

    assert of("-tp=8", vllm="0.12.0") is Workspace.NOTHING
    assert of("-tp=8", "--enable-expert-parallel", vllm="0.12.0") is Workspace.ALIGNED
    assert of("-tp=8", vllm="0.14.1") is Workspace.BOTH
    assert of("-tp=8", "--enable-expert-parallel", vllm="0.18.0") is Workspace.OUTPUT
    assert of("-tp=2", vllm="0.11.0") is Workspace.ALIGNED  # 768 wide, more than 512


def test_kernels_that_are_asked_for_keep_what_the_hungriest_of_their_kind_does() -> None:
    """TRT-LLM's, which would run on Blackwell, keep nothing; Triton's and DeepGEMM's do."""

    def of(*args: str) -> Workspace:
        return expert_kernels.workspace(started("-tp=4", *args, vllm="0.19.0", gpu="B200", scheme=BLOCKS))

    assert of() is of("--moe-backend=auto") is Workspace.NOTHING
    assert of("--moe-backend=triton") is Workspace.BOTH
    assert of("--moe-backend=deep_gemm") is Workspace.ALIGNED


def test_the_sizes_are_those_of_the_kernels_workspace_shapes() -> None:
    both = started("-tp=4", vllm="0.18.0", scheme=BLOCKS)
    assert expert_kernels.kept(both) == 2 * EACH  # 768 and 384 are narrower than the hidden states
    assert expert_kernels.passing(both) == 0.0
    wide = started("-tp=1", vllm="0.18.0", scheme=BLOCKS, moe_intermediate_size=6144)
    assert expert_kernels.kept(wide) == EACH * (6144 + 12288) / 4096
    output = started("-tp=4", vllm="0.16.0", scheme=BLOCKS)
    assert expert_kernels.kept(output) == 8192 * 4096 * 2
    aligned = started("-tp=4", vllm="0.13.0", scheme=BLOCKS)
    rows = 8192 * 8 + 128 * 127 + (-(8192 * 8 + 128 * 127) % 128)
    assert expert_kernels.kept(aligned) == rows * (4096 + 4096) * 2
    early = started("-tp=4", vllm="0.11.2", scheme=BLOCKS)
    assert expert_kernels.kept(early) == rows * (768 + 4096) * 2


def test_what_is_not_kept_counts_in_the_forward_pass_alone() -> None:
    start = started("-tp=4", "--max-num-seqs=16", vllm="0.13.0")
    assert expert_kernels.kept(start) == 0.0
    assert expert_kernels.passing(start) == 8192 * 8 * (4096 + 384) * 2
    peak = peak_of(start, last=True)
    assert peak.total == pytest.approx((8192 * 8 * (4096 + 384) + 4 * 8192 * 4096) * 2, abs=0.02 * GIB)


def test_an_image_without_deep_gemm_keeps_nothing_and_that_is_asked() -> None:
    start = started("-tp=4", vllm="0.13.0", scheme=BLOCKS)
    (question,) = open_questions(start)
    assert question.startswith("whether the image has DeepGEMM")
    assert expert_kernels.kept(start.at(0.0)) == 0.0 < expert_kernels.kept(start)
    assert open_questions(started("-tp=4", vllm="0.14.1", scheme=BLOCKS)) == ()
    facts = ModelFacts(config={**QWEN, "quantization_config": BLOCKS})
    args = read_engine_args(("-tp=4", "--max-model-len=8192"), None, "0.13.0")
    found = estimate(facts, gpu_for("H200", count=8), args, vllm="0.13.0").kv_available_gib
    assert found.value == found.low is not None
    assert (found.high or 0) - (found.low or 0) == pytest.approx(expert_kernels.kept(start) / GIB)


def test_other_makers_cards_and_models_without_experts() -> None:
    assert expert_kernels.workspace(started(vllm="0.11.2", gpu="MI300X")) is Workspace.NOTHING
    assert expert_kernels.workspace(started(vllm="0.14.1", gpu="MI300X")) is Workspace.BOTH
    dense = started(vllm="0.18.0")
    shape = msgspec.structs.replace(dense.model.shape, moe=None)
    bare = dense.of(msgspec.structs.replace(dense.model, shape=shape))
    assert expert_kernels.kept(bare) == expert_kernels.passing(bare) == 0.0
