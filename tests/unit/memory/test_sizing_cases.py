"""Start-ups as people write them down: numbers in words, names instead of configs, quantizations of every
kind."""

from __future__ import annotations

import re
from typing import Any

import pytest

from modelcar_tui.memory.cases import answer
from modelcar_tui.models.class_defaults import made_whole
from modelcar_tui.models.config import text_part
from modelcar_tui.models.known import known_model, known_models
from modelcar_tui.models.shape import Shape, shape_of
from modelcar_tui.models.weights.tensors import true_count

CONFIG = {
    "hidden_size": 4096,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "head_dim": 128,
    "vocab_size": 128256,
    "intermediate_size": 14336,
    "tie_word_embeddings": False,
    "params": 8030261248,
    "max_position_embeddings": 131072,
}
CASE: dict[str, Any] = {
    "id": "one",
    "vllm": "0.19.0",
    "gpu": "NVIDIA-H100-80GB-HBM3",
    "gpu_total_gib": 79.19,
    "tp": 2,
    "max_model_len": 8192,
    "util": 0.95,
    "max_num_seqs": 1024,
    "max_num_batched_tokens": 8192,
    "enforce_eager": False,
    "config": CONFIG,
}


@pytest.mark.parametrize(
    "words",
    [
        {"tp": "2", "max_model_len": "8192", "util": "0.95"},
        {"max_model_len": "8k", "util": "95%", "max_num_batched_tokens": "8,192"},
        {"max_model_len": "8192 tokens", "gpu_total_gib": "79.19 GiB", "enforce_eager": "false"},
        {"max_num_seqs": 1024.0, "tp": 2.0},
    ],
)
def test_numbers_in_words_are_numbers(words):
    assert answer({**CASE, **words}) == answer(CASE)


def test_auto_is_the_longest_context_that_fits():
    tight = {**CASE, "tp": 1, "gpu": "NVIDIA L4", "gpu_total_gib": 22.03, "util": 0.9, "max_num_seqs": 256}
    assert answer({**tight, "max_model_len": 131072})["verdict"] == "refused_kv"
    assert answer({**tight, "max_model_len": "auto"})["verdict"] == "starts"


@pytest.mark.parametrize("nonsense", ["many", "", [], {}, None, float("nan"), "-", "8 or 16", 10**400])
@pytest.mark.parametrize(
    "name", ["tp", "util", "max_model_len", "gpu_total_gib", "config", "gpu", "vllm", "model"]
)
def test_nonsense_is_a_missing_input(name, nonsense):
    assert answer({**CASE, name: nonsense})["verdict"]


def test_a_public_model_needs_no_config():
    named = {key: value for key, value in CASE.items() if key != "config"}
    with_config = answer({**CASE, "arch": "LlamaForCausalLM"})
    for name in ("meta-llama/Llama-3.1-8B-Instruct", "unsloth/Meta-Llama-3.1-8B"):
        assert answer({**named, "model": name}) == with_config
    assert answer({**named, "model": "someone/Llama-3.1-8B-Mega-Merge"})["weights_gib"] is None


@pytest.mark.parametrize(
    ("name", "quant", "weights"),
    [
        ("RedHatAI/Meta-Llama-3.1-8B-Instruct-quantized.w4a16", "", 5.38),
        ("RedHatAI/Meta-Llama-3.1-8B-Instruct-quantized.w8a8", "compressed-tensors", 8.49),
        ("RedHatAI/Meta-Llama-3.1-8B-Instruct-FP8-dynamic", "", 8.49),
    ],
)
def test_a_name_tells_the_quantization(name, quant, weights):
    """The weights are those of the fact pages: 5.38 GiB in 4 bits, 8.49 in 8."""
    named = {key: value for key, value in CASE.items() if key != "config"}
    by_name = answer({**named, "tp": 1, "model": name, "quant": quant})
    with_config = answer({**CASE, "tp": 1, "model": name, "quant": quant})
    assert by_name["weights_gib"] == pytest.approx(weights, abs=0.03)
    assert with_config["weights_gib"] == pytest.approx(weights, abs=0.03)
    assert by_name["verdict"] == with_config["verdict"] == "starts"


def test_what_a_partial_config_leaves_out_comes_from_the_model_of_that_name():
    """Top-k decides about the experts' workspace; the case does not carry it."""
    sizes = {
        "hidden_size": 2048,
        "num_hidden_layers": 48,
        "num_attention_heads": 32,
        "num_key_value_heads": 4,
        "head_dim": 128,
        "vocab_size": 151936,
        "intermediate_size": 6144,
        "num_experts": 128,
        "params": 30532122624,
        "max_position_embeddings": 40960,
    }
    bare = answer({**CASE, "config": sizes, "arch": "Qwen3MoeForCausalLM"})
    named = answer({**CASE, "config": sizes, "model": "Qwen/Qwen3-30B-A3B-Instruct-2507"})
    assert named["activation_gib"] == pytest.approx(bare["activation_gib"], abs=0.01)
    other = answer({**CASE, "config": {**sizes, "hidden_size": 2304}, "model": "Qwen/Qwen3-30B-A3B"})
    assert other["weights_gib"] != named["weights_gib"]


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("RedHatAI/Llama-3.3-70B-Instruct-quantized.w8a8", "llama-3.3-70b"),
        ("nvidia/DeepSeek-R1-NVFP4", "deepseek-r1"),
        ("deepseek-ai/DeepSeek-R1-Distill-Llama-70B", "deepseek-r1-distill-llama-70b"),
        ("Qwen/Qwen3.6-27B AutoRound int4", "qwen3.6-27b"),
        ("mistralai/Mixtral-8x7B-Instruct-v0.1", "mixtral-8x7b"),
        ("microsoft/Phi-3-mini-4k-instruct", "phi-3-mini"),
        ("yuhuili/EAGLE-LLaMA3-Instruct-8B", None),
        ("someone/Qwen3-8B-pruned-6b", None),
        ("Qwen/Qwen2.5-7B-Instruct-1M", None),
        ("", None),
        ("/", None),
    ],
)
def test_which_public_model_a_name_stands_for(name, known):
    found = known_model(name)
    assert (found.name if found else None) == known


def test_a_name_alone_does_not_stretch_a_context():
    phi = {"vllm": "0.19.0", "gpu": "NVIDIA-H100-80GB-HBM3", "model": "microsoft/phi-2"}
    assert answer({**phi, "max_model_len": 2048})["verdict"] == "starts"
    assert answer({**phi, "max_model_len": 8192})["verdict"] == "refused_args"
    long = {**phi, "model": "Qwen/Qwen3-30B-A3B-Instruct-2507", "max_model_len": 65536}
    assert answer(long)["verdict"] == "starts"


def test_every_known_model_says_where_its_config_comes_from():
    sources = [config["source"] for config in known_models().models.values()]
    assert sum(source.startswith("aiconfigurator-core 0.12.0: ") for source in sources) >= 49
    assert all(re.match(r"aiconf|the public file, written|as generally known", source) for source in sources)
    found = known_model("QWEN3-8b")
    assert found.source == "aiconfigurator-core 0.12.0: Qwen/Qwen3-8B"
    assert "source" not in found.config


def test_every_known_model_counts_to_its_published_size():
    missed = []
    for name, config in known_models().models.items():
        if not config["params"]:
            continue  # only its architecture is known
        shape = shape_of({key: value for key, value in config.items() if key not in ("params", "source")})
        assert isinstance(shape, Shape), (name, shape)
        tower = shape.tower.elements if shape.tower is not None else 0
        if abs((true_count(shape) + tower) / config["params"] - 1) > 0.02:
            missed.append(name)
    assert missed == []
    assert len(known_models().models) >= 230
    assert set(known_models().same_sizes.values()) <= known_models().models.keys()


FIELDS = {key: value for key, value in CASE.items() if key not in ("tp", "max_model_len", "util")}


def test_no_known_model_lacks_what_the_size_or_the_cut_of_its_tower_hangs_on():
    whys = {name: answer({"model": name, "gpu": "H200", "tp": 2})["why"] for name in known_models().models}
    assert {name: why for name, why in whys.items() if "tower" in why or "vision_config" in why} == {}
    assert answer({"model": "gemma-3-27b", "gpu": "H200", "tp": 8})["verdict"] == "starts"


@pytest.mark.parametrize(
    "args",
    [
        ["--tensor-parallel-size=2", "--max-model-len", 8192, "--gpu-memory-utilization", 0.95],
        "-tp 2 --max-model-len 8192 --gpu-memory-utilization=0.95",
        "vllm serve meta-llama/Llama-3.1-8B -tp 2 --max-model-len 8K --gpu-memory-utilization 0.95",
        "tensor-parallel-size: 2; max-model-len: 8192; gpu-memory-utilization: 0.95; enforce-eager: False",
        {"tensor-parallel-size": 2, "max-model-len": 8192, "gpu-memory-utilization": 0.95},
    ],
)
def test_arguments_as_given_say_what_fields_say(args):
    assert answer({**FIELDS, "args": args}) == answer(CASE)


def test_arguments_win_over_fields_and_are_read_by_the_releases_parser():
    longer = answer({**CASE, "args": ["--max-model-len=200000"]})
    assert longer["verdict"] == "refused_args" and "200000" in longer["why"]
    unknown = answer({**CASE, "args": "--max-model-len=lots"})
    assert unknown["verdict"] == "refused_args" and "--max-model-len" in unknown["why"]
    small = answer({**CASE, "args": "--enable-lora --max-loras 4"})
    assert small["weights_gib"] > answer(CASE)["weights_gib"]


@pytest.mark.parametrize("nonsense", ['--a "b', 7, [["--tp"]], ["--x"] * 2000])
def test_arguments_that_cant_be_read_are_unknown(nonsense):
    found = answer({**CASE, "args": nonsense})
    assert found["verdict"] == "unknown" and "`args` can't be read" in found["why"]


def test_no_public_model_has_a_window_that_its_row_does_not_say():
    """Mistral's class has one of 4,096 where config.json is silent, and the files of all but the first say
    null."""
    windows = {}
    for name, config in known_models().models.items():
        shape = shape_of(made_whole(config))
        if isinstance(shape, Shape) and shape.window:
            part = text_part(config)
            said = ("sliding_window", "sliding_window_size", "window_size")
            windows[name] = any(part.get(key) for key in said)
    assert [name for name, said in windows.items() if not said] == []
    assert len(windows) > 20
    for name in ("Mistral-Nemo-Instruct-2407", "Mistral-7B-Instruct-v0.2", "Mistral-Large-Instruct-2411"):
        known = known_model(f"mistralai/{name}")
        assert known is not None
        shape = shape_of(made_whole(known.config))
        assert isinstance(shape, Shape)
        assert set(shape.kinds) == {"full"}
