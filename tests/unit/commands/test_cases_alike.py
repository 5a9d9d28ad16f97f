"""A case and the command line with the same model, GPU and arguments answer alike."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from modelcar_tui.commands.estimate import run_cases_file, run_estimate
from support.configs import LLAMA_8B

QUESTIONS = [
    ("NVIDIA-L40S:2", "0.19.0", "--tensor-parallel-size 2 --gpu-memory-utilization 0.95"),
    ("NVIDIA-L40S", "0.33.0", "--max-model-len 32k --max-num-seqs 64"),
    ("NVIDIA-L4", "0.28.0", "--max-model-len 131072"),
    ("NVIDIA-H100-80GB-HBM3", "0.32.0", "--quantization gptq"),
    ("NVIDIA-H100-80GB-HBM3", "0.32.0", "--enable-lora --max-loras 4 --max-lora-rank 64"),
    ("NVIDIA-H100-80GB-HBM3", "0.8.5", "--gpu-memory-utilization 0.999"),
    ("NVIDIA-H100-80GB-HBM3", "0.19.0", "--gpu-memory-utilization 0.999"),
    ("NVIDIA-H100-80GB-HBM3", "0.19.0", "--gpu-memory-utilization 1.0"),
    ("NVIDIA-A10G", "0.11.2", "--kv-cache-dtype fp8"),
    ("NVIDIA-H200:8", None, "-tp 8 --max-num-batched-tokens 512 --max-num-seqs 1024"),
    ("NVIDIA-H200", "0.33.0", "--no-such-flag"),
]


@pytest.mark.parametrize(("gpu", "vllm", "line"), QUESTIONS)
@pytest.mark.parametrize("as_list", [False, True])
def test_a_case_and_the_command_line_answer_alike(
    gpu: str,
    vllm: str | None,
    line: str,
    as_list: bool,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    source, cases = tmp_path / "config.json", tmp_path / "cases.yaml"
    source.write_text(json.dumps(LLAMA_8B))
    given: Any = line.split() if as_list else f"vllm serve model {line}"
    cases.write_text(json.dumps([{"gpu": gpu, "vllm": vllm, "config": LLAMA_8B, "args": given}]))
    run_cases_file(str(cases))
    case = json.loads(capsys.readouterr().out)
    run_estimate(str(source), gpu, tuple(line.split()), vllm=vllm, form="json")
    told = json.loads(capsys.readouterr().out)
    assert (case["verdict"], case["why"]) == (told["outcome"], told["why"])
    for name in ("weights_gib", "activation_gib", "kv_available_gib", "kv_tokens"):
        assert case[name] == pytest.approx(told[name]["value"], abs=1e-3), name


@pytest.mark.parametrize(
    ("release", "share", "outcome"),
    [
        ("0.8.5", 0.999, "oom_warmup"),  # its engine has no check of free memory
        ("0.19.0", 0.999, "unknown"),  # what an idle card has in use is only guessed
        ("0.19.0", 1.0, "refused_free_memory"),  # no card has all of its memory free
    ],
)
def test_free_memory_that_nobody_measured_refuses_nothing(
    release: str, share: float, outcome: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "config.json"
    source.write_text(json.dumps(LLAMA_8B))
    arguments = (f"--gpu-memory-utilization={share}",)
    run_estimate(str(source), "NVIDIA-H100-80GB-HBM3", arguments, vllm=release, form="json")
    assert json.loads(capsys.readouterr().out)["outcome"] == outcome


def test_what_the_command_line_offers_starts_by_its_own_verdict(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "config.json"
    source.write_text(json.dumps(LLAMA_8B))

    def ask(*more: str) -> dict[str, Any]:
        run_estimate(str(source), "NVIDIA-L4:4", more, vllm="0.33.0", form="json")
        found: dict[str, Any] = json.loads(capsys.readouterr().out)
        return found

    asked = ask()
    assert asked["outcome"] == "refused_kv" and asked["knobs"]
    assert ask(f"--tensor-parallel-size={asked['smallest_tp']}")["outcome"] == "starts"
    assert ask(f"--max-model-len={asked['longest_context']['value']}")["outcome"] == "starts"
    for knob in asked["knobs"]:
        assert ask(knob["flag"])["outcome"] == knob["outcome"]
