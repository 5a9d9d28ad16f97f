"""Verdicts on Gaudi, TPU, Spyre, Intel GPUs and Neuron: the table's answer, bounds of memory, the runtime."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from deciding_support import LLAMA_8B, SHORT, cluster_of, model

from modelcar_tui.cluster.types import Runtime
from modelcar_tui.cluster.whatif import parse_gpu_flags
from modelcar_tui.hardware.gpu import Gpu
from modelcar_tui.memory.types import Outcome
from modelcar_tui.verdict.candidate import candidates
from modelcar_tui.verdict.deciding import decide_model
from modelcar_tui.verdict.other_vendors import settles_doubt
from modelcar_tui.verdict.reports import ModelVerdict, Verdict

LARGE = {
    **LLAMA_8B,
    "hidden_size": 8192,
    "num_hidden_layers": 80,
    "num_attention_heads": 64,
    "intermediate_size": 28672,
}
"""Llama 3.1 70B: 131 GiB of weights."""
AWQ = {"quant_method": "awq", "bits": 4, "group_size": 128}
GPTQ = {**AWQ, "quant_method": "gptq"}
FP8 = {"quant_method": "fp8", "activation_scheme": "dynamic"}
FEW = "--max-num-seqs=4"
"""Spyre's and Neuron's caches hold so many requests of the whole context."""


def on(
    flag: str,
    *args: str,
    config: dict[str, Any] = LLAMA_8B,
    quantization: dict[str, Any] | None = None,
    gpus: int = 1,
    runtime: Runtime | None = None,
    origin: str = "--gpu",
) -> ModelVerdict:
    """The verdict on cards that are stated, or that a cluster has."""
    what = model(*(args or (SHORT, FEW)), gpus=gpus, config={**config, "quantization_config": quantization})
    facts = msgspec.structs.replace(what.image.model, quantization=quantization)
    what = msgspec.structs.replace(what, image=msgspec.structs.replace(what.image, model=facts))
    nodes = parse_gpu_flags((flag,)).nodes
    report = msgspec.structs.replace(cluster_of(*nodes, origin=origin), runtime=runtime)
    return decide_model(what, report, candidates(report), "0.19.1")


@pytest.mark.parametrize(
    ("flag", "quantization", "verdict", "says"),
    [
        ("Gaudi3:8", None, Verdict.GO, "even the most of it"),
        ("Gaudi3:8", FP8, Verdict.GO, "even the most of it"),
        ("Gaudi2:8", AWQ, Verdict.GO, "even the most of it"),
        ("Gaudi:8", None, Verdict.NO_GO, "wants a Gaudi 2 or Gaudi 3"),
        ("tpu-v6e-slice:4", FP8, Verdict.GO, "even the most of it"),
        ("tpu-v6e-slice:4", GPTQ, Verdict.NO_GO, "no kernel on tpu"),
        ("IBM-Spyre:8", None, Verdict.GO, "even the most of it"),
        ("IBM-Spyre:8", FP8, Verdict.UNKNOWN, "no public table says"),
        ("Max-1550:1", AWQ, Verdict.GO, "even the most of it"),
        ("Trainium2:16", None, Verdict.UNKNOWN, "no column for AWS NEURON"),
    ],
)
def test_the_answer_of_the_quantization_table_is_used(
    flag: str, quantization: dict[str, Any] | None, verdict: Verdict, says: str
) -> None:
    found = on(flag, quantization=quantization)
    assert (found.verdict, says in found.why) == (verdict, True), found.why


def test_what_works_with_a_cost_is_warned_of() -> None:
    assert any("vllm-gaudi repository" in warning for warning in on("Gaudi2:8", quantization=AWQ).warnings)


@pytest.mark.parametrize("flag", ["IBM-Spyre:8", "Trainium2:16"])
def test_nobody_is_asked_to_state_again_what_was_stated(flag: str) -> None:
    settle = on(flag, quantization=FP8).settle
    assert "product label" not in settle and "try" in settle


def test_the_figures_of_other_code_carry_bounds() -> None:
    estimate = on("Gaudi3:8").estimate
    assert estimate is not None
    for fact in (
        estimate.required_gib,
        estimate.activation_gib,
        estimate.kv_available_gib,
        estimate.kv_tokens,
        estimate.max_concurrency,
        estimate.headroom_gib,
    ):
        assert fact.value is not None and fact.low is not None and fact.high is not None
        assert fact.low <= fact.value <= fact.high and fact.low < fact.high
    assert estimate.weights_gib.low is None
    assert any("what no source tells is CUDA's, with bounds" in note for note in estimate.notes)


@pytest.mark.parametrize(
    ("flag", "args", "says"),
    [
        ("Arc-Pro-B60:1", (SHORT, "--gpu-memory-utilization=0.8"), "other code"),
        ("IBM-Spyre:8", (SHORT,), "--max-num-seqs requests of the whole context"),
        ("Gaudi3:8", ("--max-model-len=65536", "--gpu-memory-utilization=0.081"), "of what is free beside"),
    ],
)
def test_what_the_bounds_disagree_on_is_unknown(flag: str, args: tuple[str, ...], says: str) -> None:
    found = on(flag, *args)
    assert (found.verdict, says in found.why) == (Verdict.UNKNOWN, True), found.why


@pytest.mark.parametrize(
    ("flag", "args", "says"),
    [
        ("tpu-v5-lite-podslice:8", (SHORT,), "leaves nothing for the KV cache"),
        ("tpu-v6e-slice:4", ("--max-model-len=131072",), "one request needs 16.00 GiB"),
        ("Gaudi3:8", ("--max-model-len=131072", "--gpu-memory-utilization=0.1"), "one request needs 16.00"),
    ],
)
def test_what_does_not_fit_with_the_least_of_everything_is_refused(
    flag: str, args: tuple[str, ...], says: str
) -> None:
    found = on(flag, *args)
    assert (found.verdict, says in found.why) == (Verdict.NO_GO, True), found.why


def test_weights_that_are_more_than_the_device_has_do_not_fit_by_any_code() -> None:
    found = on("Gaudi3:8", config=LARGE)
    assert found.verdict is Verdict.NO_GO
    assert found.estimate is not None and found.estimate.outcome is Outcome.OOM_LOAD
    assert on("Gaudi3:8", config=LARGE, gpus=2).verdict is Verdict.GO


def test_stated_cards_without_a_runtime_of_openshift_ai_ask_for_an_image() -> None:
    assert any("VLLM_RUNTIME_IMAGE" in warning for warning in on("Max-1550:1").warnings)
    assert not any("VLLM_RUNTIME_IMAGE" in warning for warning in on("Gaudi3:8").warnings)


def test_cards_of_a_cluster_that_has_no_runtime_for_them_are_no_go_ahead() -> None:
    cuda = Runtime(image="quay.io/x/cuda:1", accelerator="nvidia.com/gpu")
    for runtime in (None, cuda):
        found = on("Max-1550:1", runtime=runtime, origin="cluster")
        assert found.verdict is Verdict.UNKNOWN
        assert "no vLLM runtime for INTEL GPU" in found.why and "VLLM_RUNTIME_IMAGE" in found.settle
    own = Runtime(image="quay.io/x/xpu:1", name="VLLM_RUNTIME_IMAGE")
    assert on("Max-1550:1", runtime=own, origin="cluster").verdict is Verdict.GO
    assert on("Gaudi3:8", origin="cluster").verdict is Verdict.GO


def test_a_generation_settles_a_doubt_where_the_vendor_s_cards_have_any() -> None:
    state = "state the GPU by its product label, or the quantization"
    assert settles_doubt(Gpu(product="NOTHING-9000", vendor="nvidia")) == state
    assert settles_doubt(Gpu(product="x", vendor="a-vendor-of-nobody")) == state
    assert settles_doubt(Gpu(product="IBM-Spyre", vendor="ibm-spyre")) == (
        "only a try would tell: the tables say no more of IBM-Spyre"
    )
