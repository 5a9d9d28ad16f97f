"""CUDA graphs: the sizes of each release, what FlashAttention splits, what logs say of the rest."""

from __future__ import annotations

import json
import re
from importlib import resources
from typing import Any

import pytest

from modelcar_tui.core.facts import GIB, MIB
from modelcar_tui.hardware.product import gpu_for
from modelcar_tui.memory import graphs
from modelcar_tui.memory.graphs import Sizes
from modelcar_tui.memory.start import Start, start_of
from modelcar_tui.models.facts import ModelFacts
from modelcar_tui.models.model import Model, describe_model
from modelcar_tui.vllm.arguments.engine_args import read_engine_args
from modelcar_tui.vllm.profile import profile_for
from support.configs import LLAMA_8B

MOE: dict[str, Any] = {
    **LLAMA_8B,
    "model_type": "mixtral",
    "num_local_experts": 8,
    "num_experts_per_tok": 2,
}
FOUR_BITS = {"quantization_config": {"quant_method": "mxfp4"}}
SPLITS = "FlashAttention's splits"


def started(*args: str, vllm: str = "0.19.0", gpu: str = "H100", config: dict[str, Any] = LLAMA_8B) -> Start:
    model = describe_model(ModelFacts(config=config), quantization=None, dtype="auto", overrides=None)
    assert isinstance(model, Model)
    return start_of(model, gpu_for(gpu, count=8), read_engine_args(args, None, vllm), profile_for(vllm))


def sizes(*args: str, **how: Any) -> tuple[int, int]:
    found = graphs.sizes_of(started(*args, **how))
    return found.count, found.largest


def parts(start: Start, *, least: bool = False) -> dict[str, float]:
    return {label: size for label, size, _ in graphs.captured(start, least=least)}


def test_the_sizes_are_the_releases_own() -> None:
    """capture_sizes.json holds what VllmConfig sets for these."""
    read = json.loads((resources.files("modelcar_tui.vllm") / "capture_sizes.json").read_text())
    told = [(key, *entry) for key, entries in read["groups"]["sizes"].items() for entry in entries]
    assert len(told) >= 24
    for key, release, ranges in told:
        capability, seqs, batch = re.findall(r"[\d.]+", key)
        gpu = {"9.0": "H100", "10.0": "B200"}[capability]
        args = f"--max-num-seqs={seqs}", f"--max-num-batched-tokens={batch}"
        count = sum(len(range(first, last + 1, step)) for first, last, step in ranges)
        expected = Sizes(count, ranges[-1][1])
        assert graphs.sizes_of(started(*args, vllm=release, gpu=gpu)) == expected, (key, release)


@pytest.mark.parametrize(
    ("args", "vllm", "found"),
    [
        (("--cudagraph-capture-sizes", "1", "2", "64"), "0.19.0", (3, 64)),
        (("--max-cudagraph-capture-size=12",), "0.19.0", (4, 12)),
        (('--compilation-config={"cudagraph_capture_sizes": [4, 8]}',), "0.19.0", (2, 8)),
        (('--compilation-config={"max_cudagraph_capture_size": 16}',), "0.19.0", (5, 16)),
        (("--cuda-graph-sizes", "32"), "0.10.0", (7, 32)),
        (("--cuda-graph-sizes", "32", "64"), "0.10.0", (2, 64)),
    ],
)
def test_the_sizes_that_are_asked_for(args: tuple[str, ...], vllm: str, found: tuple[int, int]) -> None:
    assert sizes(*args, vllm=vllm) == found


def test_flash_attention_splits_32_times_on_hopper_where_decoding_is_captured_as_a_whole() -> None:
    """32 heads of 128 numbers, 512 sequences: 256 MiB, half of it on each of two GPUs."""
    assert parts(started())[SPLITS] == 32 * 512 * 32 * 128 * 4 == 256 * MIB
    assert parts(started("-tp=2"))[SPLITS] == 128 * MIB
    assert parts(started("--max-num-seqs=16"))[SPLITS] == 8 * MIB
    piecewise = '--compilation-config={"cudagraph_mode": "PIECEWISE"}'
    for start in (started(vllm="0.10.2"), started(gpu="L40S"), started(gpu="B200"), started(piecewise)):
        assert SPLITS not in parts(start)


def test_a_driver_keeps_as_much_of_each_piece_of_each_size() -> None:
    pieces = 51 * 33
    assert sum(parts(started()).values()) == pytest.approx((256 + pieces * 0.40) * MIB)
    assert sum(parts(started(), least=True).values()) == pytest.approx((256 + pieces * 0.20) * MIB)
    assert sum(parts(started(gpu="L40S")).values()) == pytest.approx(pieces * 0.60 * MIB)
    early = started(gpu="L40S", vllm="0.10.2")
    assert sum(parts(early).values()) == pytest.approx(67 * 33 * 0.60 * MIB)


def test_layers_without_attention_or_state_are_no_piece() -> None:
    config = {**LLAMA_8B, "layer_types": ["full_attention", "mlp"] * 16}
    dense = sum(parts(started())[label] for label in parts(started()) if label.startswith("graphs of"))
    half = parts(started(config=config))
    assert sum(half[label] for label in half if label.startswith("graphs of")) == dense / 33 * 17


@pytest.mark.parametrize(
    ("config", "least", "most"),
    [(LLAMA_8B, 0.0, 0.0), (MOE, 0.10, 0.46), ({**MOE, **FOUR_BITS}, 1.01, 1.01)],
)
def test_experts_load_kernels_for_each_size(config: dict[str, Any], least: float, most: float) -> None:
    start = started(config=config)
    assert parts(start, least=True).get("graphs of experts", 0.0) == pytest.approx(least * GIB)
    assert parts(start).get("graphs of experts", 0.0) == pytest.approx(most * GIB)


def test_blackwell_takes_flashinfers_buffer_and_adapters_their_own() -> None:
    assert parts(started(gpu="B200"))["FlashInfer's buffer"] == pytest.approx(0.385 * GIB)
    assert parts(started("--enable-lora"))["graphs of adapters"] == pytest.approx(0.5 * GIB)


def test_vllms_estimate_is_the_first_capture_and_the_second_for_each_other_size() -> None:
    """0.84 GiB in the log of a model with these sizes on H100, one of those that the constants are from."""
    found = sum(size for _, size, _ in graphs.estimated(started(), least=False))
    assert found == pytest.approx(0.10 * GIB + (256 + 50 * 33 * 0.30) * MIB)
    assert found / GIB == pytest.approx(0.84, abs=0.01)
    ranks = sum(size for _, size, _ in graphs.estimated(started("-tp=2"), least=False))
    assert ranks == pytest.approx(0.20 * GIB + (128 + 50 * 33 * 0.30) * MIB)
    least = sum(size for _, size, _ in graphs.estimated(started(), least=True))
    assert least == pytest.approx(0.10 * GIB + (256 + 50 * 33 * 0.10) * MIB)
