"""The solver: on refused start-ups of real machines, and on what it must not do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from compatibility_support import LLAMA, car

from modelcar_tui.advice.solver.solver import OBJECTIVES, Solution, solve
from modelcar_tui.core.facts import Fact, Source
from modelcar_tui.hardware.gpu import Gpu
from modelcar_tui.hardware.product import gpu_for
from modelcar_tui.manifest.arguments import effective
from modelcar_tui.manifest.plan import Change, Operation
from modelcar_tui.manifest.types import ModelCar
from modelcar_tui.memory.estimator import estimate
from modelcar_tui.memory.types import Estimate, Outcome
from modelcar_tui.models.facts import ModelFacts
from modelcar_tui.vllm.arguments.engine_args import read_engine_args

LLAMA_70B = LLAMA | {
    "hidden_size": 8192,
    "num_hidden_layers": 80,
    "num_attention_heads": 64,
    "intermediate_size": 28672,
}
CASES: list[dict[str, Any]] = json.loads(
    (Path(__file__).parent / "fixtures" / "refused.json").read_text("utf-8")
)


def model(parameters: int, config: dict[str, Any] = LLAMA) -> ModelFacts:
    return ModelFacts(config=config, parameters=Fact(value=parameters, source=Source.HEADERS))


SMALL, LARGE = model(8_030_261_248), model(70_553_706_496, LLAMA_70B)


def ask(facts: ModelFacts, product: str, count: int, *args: str, gpus: int = 1, **options: Any) -> Solution:
    item = car(*args, gpus=gpus, image=options.pop("image", "oci://quay.io/x/y:1"))
    return solve(item, facts, gpu_for(product, count=count), vllm=options.pop("vllm", "0.19.1"), **options)


def judged(item: ModelCar, facts: ModelFacts, gpu: Gpu, changes: tuple[Change, ...], vllm: str) -> Estimate:
    """The estimate for the manifest with these changes, as the decision would make it."""
    after = effective(item.serving, changes)
    return estimate(facts, gpu, read_engine_args(after.args, after.gpu_count, vllm=vllm), vllm=vllm)


def new_items(solution: Solution) -> list[str | None]:
    return [change.new for change in solution.changes]


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_each_refused_start_up_gets_arguments_that_start_or_a_way_out(case: dict[str, Any]) -> None:
    facts = model(case["parameters"], case["config"])
    gpu = gpu_for(case["gpu"], count=case["gpus_on_node"])
    item = car(*case["args"], gpus=case["gpu_count"])
    before = judged(item, facts, gpu, (), case["vllm"])
    assert before.outcome is not Outcome.STARTS
    solution = solve(item, facts, gpu, vllm=case["vllm"])
    if not case["solvable"]:
        assert not solution.runs and solution.alternatives
        return
    assert solution.runs, solution.why_not
    assert judged(item, facts, gpu, solution.changes, case["vllm"]).outcome is Outcome.STARTS
    for change in solution.changes:
        together = {change.id, *change.together_with}
        fewer = tuple(other for other in solution.changes if other.id not in together)
        assert judged(item, facts, gpu, fewer, case["vllm"]).outcome is not Outcome.STARTS, change.id
        assert change.severity == "required" and any(letter.isdigit() for letter in change.reason)


def test_a_share_of_the_gpu_that_is_not_free_is_lowered_to_what_is() -> None:
    taken = msgspec.structs.replace(
        gpu_for("NVIDIA-H100-80GB-HBM3", count=1),
        free_gib=Fact(value=60.87, source=Source.OPERATOR, unit="GiB"),
    )
    item = car("--max-model-len=4096")
    assert judged(item, SMALL, taken, (), "0.19.1").outcome is Outcome.REFUSED_FREE_MEMORY
    solution = solve(item, SMALL, taken, vllm="0.19.1")
    # With 1024 sequences 0.69 GiB would be left for CUDA graphs that take 0.89.
    assert new_items(solution) == ["--max-num-seqs=256", "--gpu-memory-utilization=0.76"] and solution.runs
    assert any("76% of the GPU instead of 90%" in change.reason for change in solution.changes)
    nothing_known = solve(car("--seed=1"), ModelFacts(), taken, vllm="0.19.1")
    assert not nothing_known.runs and nothing_known.why_not


def test_what_starts_is_left_alone() -> None:
    solution = ask(SMALL, "NVIDIA-H100-80GB-HBM3", 1, "--max-model-len=8192")
    assert solution.runs and solution.changes == () and solution.why_not == ""


def test_a_context_that_does_not_fit_is_cut_with_its_numbers() -> None:
    solution = ask(SMALL, "NVIDIA-L4", 1, "--max-model-len=131072")
    (change,) = solution.changes
    assert change.flag == "--max-model-len" and solution.runs
    assert "131,072 tokens need 16.0 GiB of KV cache" in change.reason and "fit" in change.reason
    assert any(term.label.startswith("KV cache") for term in change.evidence)


def test_more_gpus_come_with_their_tensor_parallel_size() -> None:
    solution = ask(LARGE, "NVIDIA-H100-80GB-HBM3", 8, "--max-model-len=8192")
    count, size = solution.changes
    assert (count.operation, count.new, size.new) == (Operation.GPU_COUNT, "2", "--tensor-parallel-size=2")
    assert count.together_with == (size.id,) and size.together_with == (count.id,)
    assert "131.4 GiB of weights" in count.reason


def test_without_the_number_of_heads_only_powers_of_two_are_proposed() -> None:
    """70 billion parameters fit on three H100, and their 64 heads don't divide by three."""
    named = ModelFacts(
        parameters=Fact(value=70_600_000_000, source=Source.NAME), bits=Fact(value=16, source=Source.NAME)
    )
    found = ask(named, "H100", 8, "--max-model-len=4096")
    assert "--tensor-parallel-size=4" in new_items(found)


def test_a_tensor_parallel_size_that_the_model_refuses_is_replaced() -> None:
    solution = ask(SMALL, "NVIDIA-H100-80GB-HBM3", 8, "--tensor-parallel-size=3", gpus=3)
    assert solution.runs and "--tensor-parallel-size=2" in new_items(solution)


def test_repairs_of_the_parser_come_with_it() -> None:
    solution = ask(SMALL, "NVIDIA-L4", 1, "--max-model-len", "131072", "--swap-space=4")
    assert {change.flag for change in solution.changes} == {"--max-model-len", "--swap-space"}


def test_where_nothing_helps_it_says_what_would() -> None:
    image = "oci://registry.redhat.io/rhelai1/modelcar-llama-3-3-70b-instruct:1.5"
    solution = ask(LARGE, "NVIDIA-H100-80GB-HBM3", 1, "--max-model-len=8192", image=image)
    assert not solution.runs and solution.changes == ()
    told = " | ".join(solution.alternatives)
    assert "2 x NVIDIA-H100-80GB-HBM3 on one node" in told and "NVIDIA-B200" in told and "w4a16" in told
    assert "NVIDIA-H200" not in told  # it would start there with a context of 3,072 tokens
    assert "131.4" in solution.why_not and "What would" in solution.why_not


LLAMA_405B = LLAMA | {
    "hidden_size": 16384,
    "num_hidden_layers": 126,
    "num_attention_heads": 128,
    "intermediate_size": 53248,
}
_EIGHT = {"num_bits": 8, "type": "float"}
FP8 = {
    "quant_method": "compressed-tensors",
    "format": "float-quantized",
    "config_groups": {"g": {"weights": _EIGHT, "input_activations": _EIGHT}},
}
HUGE = model(405_853_388_800, LLAMA_405B)


def test_pipeline_stages_are_named_where_no_tensor_parallel_size_serves_and_are_never_a_change() -> None:
    fp8 = msgspec.structs.replace(HUGE, quantization=FP8)
    solution = ask(fp8, "NVIDIA-H100-80GB-HBM3", 6)
    assert not solution.runs and solution.changes == ()
    first = solution.alternatives[0]
    assert first.startswith("6 of these GPUs with --tensor-parallel-size=2 --pipeline-parallel-size=3 (6")
    assert "would start 18 ranks" in first
    staged = estimate(
        fp8,
        gpu_for("NVIDIA-H100-80GB-HBM3", count=6),
        read_engine_args(("--pipeline-parallel-size=3", "--max-model-len=8192"), 2, vllm="0.19.1"),
        vllm="0.19.1",
    )
    assert staged.outcome is Outcome.STARTS
    whisper = model(405_853_388_800, LLAMA_405B | {"architectures": ["WhisperForConditionalGeneration"]})
    assert "pipeline" not in str(ask(whisper, "NVIDIA-H100-80GB-HBM3", 8).alternatives)


def test_a_model_beyond_one_node_is_spread_by_stages_that_the_manifest_cannot_ask_for() -> None:
    solution = ask(HUGE, "NVIDIA-H100-80GB-HBM3", 8, gpus=8)
    assert "2 nodes of 8 x NVIDIA-H100-80GB-HBM3 with --pipeline-parallel-size=2" in solution.alternatives[0]
    assert not any("pipeline" in (item or "") for item in new_items(solution))


def test_a_context_of_little_use_says_what_would_serve_better() -> None:
    solution = ask(LARGE, "NVIDIA-H200", 1)
    length = next(change for change in solution.changes if change.flag == "--max-model-len")
    assert solution.runs and "Of more use: 2 x NVIDIA-H200 on one node" in length.reason


@pytest.mark.parametrize(
    ("facts", "product", "count", "args", "wanted"),
    [
        (SMALL, "NVIDIA-L4", 1, "", ["--max-model-len=32768"]),
        (
            SMALL,
            "NVIDIA-A10G",
            1,
            "--max-model-len=65536 --gpu-memory-utilization=0.8",
            ["--max-model-len=14336"],
        ),
        (SMALL, "Tesla-T4", 4, "", ["2", "--tensor-parallel-size=2", "--max-model-len=65536"]),
        (SMALL, "NVIDIA-H100-80GB-HBM3", 1, "--gpu-memory-utilization=0.2", ["--gpu-memory-utilization=0.9"]),
        (LARGE, "NVIDIA-A100-SXM4-80GB", 2, "", ["2", "--tensor-parallel-size=2", "--max-model-len=16384"]),
        (LARGE, "AMD_Instinct_MI300X_OAM", 1, "", ["--max-model-len=114688"]),
        (LARGE, "AMD_Instinct_MI300X_OAM", 1, "--max-model-len=131072", ["--gpu-memory-utilization=0.92"]),
        (
            LARGE,
            "NVIDIA-L4",
            8,
            "",
            ["8", "--tensor-parallel-size=8", "--max-model-len=57344", "--max-num-seqs=128"],
        ),
        (HUGE, "NVIDIA-H200", 8, "", ["8", "--tensor-parallel-size=8"]),
    ],
)
def test_the_changes_are_those_that_an_operator_would_make(
    facts: ModelFacts, product: str, count: int, args: str, wanted: list[str]
) -> None:
    solution = ask(facts, product, count, *args.split())
    assert solution.runs and new_items(solution) == wanted


def test_fewer_gpus_do_not_cost_the_context_that_was_asked_for() -> None:
    solution = ask(LARGE, "NVIDIA-H100-80GB-HBM3", 8, "--max-model-len=131072", gpus=8, objective="gpus")
    assert new_items(solution)[0] == "4" and not any(
        "max-model-len" in (item or "") for item in new_items(solution)
    )


def test_an_unsupported_kernel_is_no_matter_of_arguments() -> None:
    int8 = {"num_bits": 8, "type": "int"}
    group = {"weights": int8, "input_activations": int8}
    raw = {"quant_method": "compressed-tensors", "config_groups": {"group_0": group}}
    facts = msgspec.structs.replace(SMALL, quantization=raw)
    image = "oci://registry.redhat.io/rhelai1/modelcar-granite-3-1-8b-instruct-quantized-w8a8:1.5"
    solution = ask(facts, "NVIDIA-B200", 8, image=image)
    assert not solution.runs and "fp8-dynamic" in solution.why_not
    assert solution.alternatives[0] or solution.alternatives


def test_what_is_not_known_is_not_tuned() -> None:
    solution = ask(ModelFacts(), "NVIDIA-L4", 1, "--seed=1")
    assert not solution.runs and solution.changes == () and solution.why_not
    unknown_gpu = ask(SMALL, "some card", 1, "--seed=1")
    assert not unknown_gpu.runs and unknown_gpu.changes == ()


def test_the_longest_context_is_longer_and_starts() -> None:
    solution = ask(SMALL, "NVIDIA-L4", 1, "--max-model-len=8192", objective="context")
    item, gpu = car("--max-model-len=8192"), gpu_for("NVIDIA-L4", count=1)
    assert judged(item, SMALL, gpu, solution.changes, "0.19.1").outcome is Outcome.STARTS
    after = effective(item.serving, solution.changes)
    assert (read_engine_args(after.args, 1, None).max_model_len or 0) > 60_000
    assert all(change.severity == "improvement" for change in solution.changes)


def test_more_requests_fit_and_the_context_stays() -> None:
    solution = ask(SMALL, "NVIDIA-L4", 1, "--max-model-len=8192", objective="concurrency")
    before, after = solution.estimate_before, solution.estimate_after
    assert before is not None and after is not None
    assert (after.max_concurrency.value or 0) > 2 * (before.max_concurrency.value or 0)
    assert not any(change.flag == "--max-model-len" for change in solution.changes)


def test_the_fewest_gpus() -> None:
    solution = ask(LARGE, "NVIDIA-H100-80GB-HBM3", 8, "--max-model-len=8192", gpus=8, objective="gpus")
    assert new_items(solution)[:2] == ["2", "--tensor-parallel-size=2"] and solution.runs


def test_no_objective_ever_asks_for_remote_code() -> None:
    own_code = model(8_030_261_248, LLAMA | {"auto_map": {"AutoConfig": "x.Y"}})
    for objective in OBJECTIVES:
        for product in ("NVIDIA-L4", "Tesla-T4", "NVIDIA-H100-80GB-HBM3"):
            solution = ask(own_code, product, 4, objective=objective, improvements=True)
            assert not any("trust-remote-code" in (item or "") for item in new_items(solution))


def test_improvements_ride_along_only_when_asked_for() -> None:
    args = ("--max-model-len=131072", "--trust-remote-code", "--distributed-executor-backend=mp")
    asked = ask(SMALL, "NVIDIA-L4", 1, *args, improvements=True)
    flags = {change.flag for change in asked.changes}
    assert flags == {"--max-model-len", "--trust-remote-code", "--distributed-executor-backend"}
    assert {change.flag for change in ask(SMALL, "NVIDIA-L4", 1, *args).changes} == {"--max-model-len"}


def test_an_unknown_objective_is_refused() -> None:
    with pytest.raises(ValueError, match="objective"):
        ask(SMALL, "NVIDIA-L4", 1, objective="speed")


def test_a_search_stays_within_its_time() -> None:
    import time

    start = time.process_time()
    for objective in OBJECTIVES:
        ask(LARGE, "NVIDIA-L4", 16, objective=objective, vllm="0.33.0")
    assert time.process_time() - start < 30
