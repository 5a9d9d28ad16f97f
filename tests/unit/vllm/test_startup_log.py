"""vLLM's own figures, in the forms that its releases write them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from modelcar_tui.vllm.startup_log import startup_figures

sys.path.append(str(Path(__file__).parents[3] / "tools"))

import startup_lines

WORKER = "(EngineCore_DP0 pid=212) INFO 01-02 03:04:05 [gpu_worker.py:298] "


def read(*lines: str) -> dict[str, float]:
    return {one.what: one.value for line in lines for one in startup_figures(line)}


# Forms of the release's own sources with values of public logs: 0.7.2 Qwen2.5-1.5B-Instruct and 0.20.0
# Ministral-3-14B (in 0.33's form), ashishkamra/vllm-memory-estimator test_data/validation_db.json and a log
# without a named repository; 0.8.5.post1 DeepSeek-R1-0528-Qwen3-8B, unslothai/notebooks; 0.19.0 CodeLlama-7b,
# llm-d-incubation/llm-d-planner accuracy/results/v0.19.0/logs.
LOGS = {
    "0.7.2": (
        (
            "INFO 01-02 03:04:05 model_runner.py:1115] Loading model weights took 2.8875 GB",
            "INFO 01-02 03:04:05 worker.py:266] model weights take 2.89GiB; non_torch_memory takes 0.02GiB; "
            "PyTorch activation peak memory takes 1.39GiB; "
            "the rest of the memory reserved for KV Cache is 2.36GiB.",
            "INFO executor_base.py:108] # cuda blocks: 5519, # CPU blocks: 9362",
            "INFO executor_base.py:113] Maximum concurrency for 32768 tokens per request: 2.69x",
            "INFO 01-02 03:04:05 model_runner.py:1562] Graph capturing finished in 15 secs, took 0.17 GiB",
        ),
        {
            "weights_gib": 2.8875,
            "non_torch_gib": 0.02,
            "activation_gib": 1.39,
            "kv_cache_gib": 2.36,
            "kv_blocks": 5519,
            "max_model_len": 32768,
            "concurrency": 2.69,
            "graphs_s": 15,
            "graphs_gib": 0.17,
        },
    ),
    "0.8.5.post1": (
        (
            "INFO [gpu_model_runner.py:1347] Model loading took 5.9069 GiB and 35.130511 seconds",
            "INFO [kv_cache_utils.py:634] GPU KV cache size: 66,464 tokens",
            "INFO [kv_cache_utils.py:637] Maximum concurrency for 2,048 tokens per request: 32.45x",
            "INFO [gpu_model_runner.py:1686] Graph capturing finished in 46 secs, took 1.93 GiB",
            "INFO [core.py:159] init engine (profile, create kv cache, warmup model) took 67.81 seconds",
        ),
        {
            "weights_gib": 5.9069,
            "load_s": 35.130511,
            "kv_tokens": 66_464,
            "max_model_len": 2_048,
            "concurrency": 32.45,
            "graphs_s": 46,
            "graphs_gib": 1.93,
            "init_s": 67.81,
        },
    ),
    "0.19.0": (
        (
            f"{WORKER}Model loading took 12.56 GiB memory and 4.210000 seconds",
            f"{WORKER}Available KV cache memory: 61.66 GiB",
            f"{WORKER}GPU KV cache size: 126,256 tokens",
            f"{WORKER}Maximum concurrency for 8,192 tokens per request: 15.41x",
        ),
        {
            "weights_gib": 12.56,
            "load_s": 4.21,
            "kv_cache_gib": 61.66,
            "kv_tokens": 126_256,
            "max_model_len": 8_192,
            "concurrency": 15.41,
        },
    ),
    "0.33.0": (
        (
            f"{WORKER}CUDA KV cache size: 728,048 tokens, "
            "Maximum concurrency for 262,144 tokens per request: 2.78x",
            f"{WORKER}init engine (profile, create kv cache, warmup model) took 31.20 s (compilation: 9 s)",
        ),
        {"kv_tokens": 728_048, "max_model_len": 262_144, "concurrency": 2.78, "init_s": 31.2},
    ),
}


@pytest.mark.parametrize("release", LOGS)
def test_each_release_s_own_form_is_read(release: str) -> None:
    lines, values = LOGS[release]
    assert read(*lines) == values


def test_a_cache_that_came_out_negative_is_a_figure_and_a_torn_number_is_none() -> None:
    assert read("Available KV cache memory: -0.76 GiB") == {"kv_cache_gib": -0.76}
    assert read("Model loading took 1.2.3 GiB memory and 4.0 seconds") == {"load_s": 4.0}


def test_other_lines_that_speak_of_memory_give_nothing() -> None:
    said = (
        "Multiplying the GPU KV cache size by the dcp_world_size 2.",
        "# CPU blocks: 9362",
        "ValueError: 16 GiB KV cache is needed, larger than the available KV cache memory (10.2 GiB)",
        "Loading weights took 3.20 seconds",
        "",
    )
    assert read(*said) == {}


def test_a_line_of_a_new_release_that_is_not_read_is_found_in_its_sources(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "0.99.0" / "vllm" / "worker.py"
    source.parent.mkdir(parents=True)
    source.write_text('logger.info_once("Available KV cache memory: %s GiB", x)\nlogger.info("other", x)\n')
    assert startup_lines.main([str(tmp_path)]) == 0
    source.write_text('logger.info("Available KV cache memory is now %s of all", x)\n')
    assert startup_lines.main([str(tmp_path / "0.99.0")]) == 1
    assert "NOT READ" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("known", "unknown"),
    [
        (
            'raise ValueError(f"Free memory ({x} GiB) " "on startup is less than desired " "GPU memory "'
            ' "utilization")',
            'raise ValueError("GiB of KV cache is needed")',
        ),
        ('logger.info("Starting vLLM server on %s", x)', 'logger.info("Initializing V3 LLM engine")'),
    ],
)
def test_a_refusal_and_a_stage_that_are_not_known_are_found_there_too(
    tmp_path: Path, known: str, unknown: str
) -> None:
    source = tmp_path / "vllm" / "worker.py"
    source.parent.mkdir(parents=True)
    source.write_text(f"{known}\n")
    assert startup_lines.main([str(tmp_path)]) == 0
    source.write_text(f"{known}\n{unknown}\n")
    assert startup_lines.main([str(tmp_path)]) == 1
