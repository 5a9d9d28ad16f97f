"""What an operator sees where rooms meet: stated cards, flags in short, eight-bit weights, new releases."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from seam_support import params

from modelcar_tui.agent import main as agent
from modelcar_tui.cluster.types import AcceleratorReport
from modelcar_tui.cluster.whatif import parse_gpu_flags
from modelcar_tui.image.types import ImageFacts
from modelcar_tui.kube.types import Access, Rung
from modelcar_tui.manifest.types import ModelCar, Position, ServingArguments
from modelcar_tui.memory.types import Estimate, Outcome
from modelcar_tui.models.facts import ModelFacts
from modelcar_tui.verdict.candidate import candidates
from modelcar_tui.verdict.deciding import decide_model
from modelcar_tui.verdict.reports import ModelRequirements, ModelVerdict, Verdict

AT = Position(1, 1)
HOPPER = "H100-80GB-HBM3"
LLAMA: dict[str, Any] = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "hidden_size": 4096,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "intermediate_size": 14336,
    "vocab_size": 128256,
    "max_position_embeddings": 131072,
    "torch_dtype": "bfloat16",
}
"""Llama 3.1 8B: 15 GiB of weights, 16 GiB of cache for its whole context."""


def compressed(bits: int, activations: int | None) -> dict[str, Any]:
    weight = {"num_bits": bits, "type": "int", "strategy": "channel", "symmetric": True}
    given = {**weight, "num_bits": activations, "strategy": "token", "dynamic": True} if activations else None
    group = {"targets": ["Linear"], "weights": weight, "input_activations": given}
    form = "int-quantized" if activations else "pack-quantized"
    return {
        "quant_method": "compressed-tensors",
        "format": form,
        "config_groups": {"group_0": group},
        "ignore": ["lm_head"],
    }


def decide(
    gpu: str,
    *args: str,
    vllm: str = "0.19.1",
    config: dict[str, Any] = LLAMA,
    quantization: dict[str, Any] | None = None,
    gpus: int = 1,
) -> ModelVerdict:
    """The verdict on one model over cards that were stated with `--gpu`."""
    car = ModelCar(
        name="m",
        image="oci://registry.redhat.io/rhelai1/modelcar-m:1",
        at=AT,
        name_at=AT,
        image_at=AT,
        serving=ServingArguments(gpu_count=gpus, args=args, gpu_count_at=AT),
    )
    whole = {**config, **({"quantization_config": quantization} if quantization else {})}
    facts = ModelFacts(config=whole, quantization=quantization)
    report = AcceleratorReport(access=Access(rung=Rung.OK), inventory=parse_gpu_flags((gpu,)))
    model = ModelRequirements(car=car, image=ImageFacts(reference=car.image, model=facts))
    return decide_model(model, report, candidates(report), vllm)


NOBODY = "no compute capability or generation is known"
ANSWERS = {Verdict.GO, Verdict.NO_GO}
STATED: dict[str, tuple[str, set[Verdict]]] = {
    card: (card, verdicts)
    for card, verdicts in (
        ("Gaudi:8", ANSWERS),
        ("Gaudi2:8", ANSWERS),
        ("Gaudi3:8", ANSWERS),
        ("Max-1550:8", ANSWERS),
        ("Max-1100:4", ANSWERS),
        ("IBM-Spyre:8", {Verdict.UNKNOWN}),
        ("tpu-v5p-slice:4", ANSWERS),
        ("tpu-v6e-slice:8", ANSWERS),
        ("tpu7x:4", ANSWERS),
        ("Instinct-MI300X:8", {Verdict.GO}),
        ("Instinct-MI300A:4", {Verdict.GO}),
        ("Instinct-MI308X:8", {Verdict.GO}),
        ("NVIDIA-L40S:4", {Verdict.GO}),
        ("H100-80GB-HBM3:8", {Verdict.GO}),
        ("NVIDIA-GB10:1", {Verdict.GO}),
        ("Quadro-RTX-8000:2", {Verdict.GO}),
        ("NVIDIA-H20-3e:8", {Verdict.GO}),
    )
}


@pytest.mark.parametrize("case", params(STATED))
def test_a_stated_card_gets_an_answer(case: tuple[str, set[Verdict]]) -> None:
    card, verdicts = case
    found = decide(card, "--max-model-len=8192")
    assert found.verdict in verdicts, found.why
    assert NOBODY not in found.why


def test_a_card_without_a_column_of_the_table_is_unknown_and_is_not_to_be_stated_again() -> None:
    found = decide("Trainium2:16", "--max-model-len=8192")
    assert found.verdict is Verdict.UNKNOWN
    assert "--gpu PRODUCT:COUNT" not in found.settle


PAIRS: dict[str, tuple[str, tuple[str, ...], tuple[str, ...]]] = {
    " ".join(short): (card, short, whole)
    for card, short, whole in (
        ("NVIDIA-L4:1", ("--max-model-l=8192",), ("--max-model-len=8192",)),
        ("NVIDIA-L4:1", ("--max_model_l", "8192"), ("--max-model-len=8192",)),
        ("NVIDIA-L40S:1", ("--gpu-memory-util=0.3",), ("--gpu-memory-utilization=0.3",)),
        (
            "NVIDIA-L4:1",
            ("--max-model-len=8192", "--gpu-memory-util=0.5"),
            ("--max-model-len=8192", "--gpu-memory-utilization=0.5"),
        ),
        (
            "NVIDIA-L4:1",
            ("--hf-overrides.max_position_embeddings=8192",),
            ('--hf-overrides={"max_position_embeddings":8192}',),
        ),
        (
            "NVIDIA-L40S:1",
            ("--speculative-config.method=ngram", "--speculative-config.num_speculative_tokens=3"),
            ('--speculative-config={"method":"ngram","num_speculative_tokens":3}',),
        ),
        ("NVIDIA-L40S:1", ("-O0",), ("-O", "0")),
        ("NVIDIA-L40S:1", ("--optimization-level=0",), ("-O", "0")),
        ("NVIDIA-L40S:1", ("--no-enforce",), ("--no-enforce-eager",)),
    )
}


def told(found: ModelVerdict) -> tuple[Verdict, Estimate | None]:
    """The verdict with every figure behind it."""
    return found.verdict, found.estimate


@pytest.mark.parametrize("case", params(PAIRS))
def test_a_flag_in_short_is_judged_as_the_whole_flag(
    case: tuple[str, tuple[str, ...], tuple[str, ...]],
) -> None:
    card, short, whole = case
    assert told(decide(card, *short)) == told(decide(card, *whole))


def test_an_abbreviated_length_starts_and_an_abbreviated_share_does_not() -> None:
    assert decide("NVIDIA-L4:1", "--max-model-l=8192").verdict is Verdict.GO
    short = decide("NVIDIA-L4:1", "--max-model-len=8192", "--gpu-memory-util=0.5")
    assert short.verdict is Verdict.NO_GO
    assert short.estimate is not None and short.estimate.outcome is Outcome.REFUSED_NO_KV


def test_a_flag_that_the_parser_does_not_know_is_no_go() -> None:
    found = decide(f"{HOPPER}:1", "--max-model-len=2048", "--no-such-flag=1")
    assert found.verdict is Verdict.NO_GO and "--no-such-flag" in found.why


EIGHT_BITS = {
    card: card for card in ("B200", "B300-SXM6-AC", "GB200", "RTX-PRO-6000-Blackwell-Server-Edition")
}


@pytest.mark.parametrize("card", params(EIGHT_BITS))
def test_eight_bit_weights_run_on_blackwell(card: str) -> None:
    found = decide(f"{card}:1", "--max-model-len=8192", quantization=compressed(8, None))
    assert found.verdict is Verdict.GO, found.why
    assert "W8A8" not in found.why


def test_eight_bit_activations_do_not_run_on_blackwell_and_all_do_on_hopper() -> None:
    refused = decide("B200:1", "--max-model-len=8192", quantization=compressed(8, 8))
    assert refused.verdict is Verdict.NO_GO and "W8A8" in refused.why
    for activations in (None, 8):
        found = decide(f"{HOPPER}:1", "--max-model-len=8192", quantization=compressed(8, activations))
        assert found.verdict is Verdict.GO, found.why


NEWER = {release: release for release in ("0.90.0", "0.90.0.dev1", "0.91.0", "1.2.0")}


@pytest.mark.parametrize("release", params(NEWER))
def test_a_release_that_nobody_read_is_told_with_bounds(release: str) -> None:
    found = decide(f"{HOPPER}:1", "--max-model-len=8192", vllm=release).estimate
    assert found is not None
    assert found.kv_tokens.low is not None or found.kv_tokens.high is not None
    assert found.vllm.endswith("?")


def estimate(
    folder: Path,
    gpu: str,
    *args: str,
    capsys: pytest.CaptureFixture[str],
    config: dict[str, Any] = LLAMA,
    vllm: str = "0.19.1",
) -> dict[str, Any]:
    """What `agent estimate` tells of a folder with a config.json."""
    (folder / "config.json").write_text(json.dumps(config))
    line = ["estimate", str(folder), "--gpu", gpu, "--vllm", vllm, "--format", "json", "--", *args]
    agent(line)
    told: dict[str, Any] = json.loads(capsys.readouterr().out)
    return told


@pytest.mark.parametrize("case", params(PAIRS))
def test_agent_estimate_reads_a_flag_in_short_as_the_whole_flag(
    case: tuple[str, tuple[str, ...], tuple[str, ...]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    card, short, whole = case
    card = card.partition(":")[0]
    assert estimate(tmp_path, card, *short, capsys=capsys) == estimate(tmp_path, card, *whole, capsys=capsys)


def test_agent_estimate_and_the_verdict_say_the_same_of_eight_bit_weights_on_hopper(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = {**LLAMA, "quantization_config": compressed(8, None)}
    found = estimate(tmp_path, HOPPER, "--max-model-len=8192", capsys=capsys, config=config)
    verdict = decide(f"{HOPPER}:1", "--max-model-len=8192", quantization=compressed(8, None))
    assert (found["outcome"], verdict.verdict) == ("starts", Verdict.GO)


def test_agent_estimate_and_the_verdict_say_the_same_of_a_flag_that_is_not_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    args = ("--max-model-len=2048", "--no-such-flag=1")
    assert decide(f"{HOPPER}:1", *args).verdict is Verdict.NO_GO
    assert estimate(tmp_path, HOPPER, *args, capsys=capsys)["outcome"] == "refused_args"


SPARSE = {**LLAMA, "architectures": ["DeepseekV32ForCausalLM"]}
STATED_STARTS: dict[str, tuple[str, str, tuple[str, ...], dict[str, Any]]] = {
    f"{' '.join(args)} {config['architectures'][0]} on {gpu} with {vllm}": (gpu, vllm, args, config)
    for vllm in ("0.19.1", "0.33.0", "0.40.0")
    for gpu, args, config in (
        (HOPPER, (), LLAMA),
        (HOPPER, ("--enable-expert-parallel",), LLAMA),
        (HOPPER, ("--enable-auto-tool-choice",), LLAMA),
        (HOPPER, ("--decode-context-parallel-size=2",), LLAMA),
        (HOPPER, ("--distributed-executor-backend=uni", "-tp=2"), LLAMA),
        (HOPPER, ("--hf-overrides=2",), LLAMA),
        (HOPPER, ("--max-num-seqs.x=2",), LLAMA),
        (HOPPER, ("--quantization=None",), {**LLAMA, "quantization_config": compressed(8, None)}),
        (HOPPER, ("--quantization=awq",), {**LLAMA, "quantization_config": compressed(8, None)}),
        (HOPPER, ("--swap-space=4",), LLAMA),
        (HOPPER, (), {**LLAMA, "architectures": ["NobodysForCausalLM"]}),
        (HOPPER, (), {**LLAMA, "architectures": ["BambaForCausalLM"]}),
        (HOPPER, (), {**LLAMA, "quantization_config": {"quant_method": "fancy"}}),
        (HOPPER, (), SPARSE),
        ("NVIDIA-A100-SXM4-80GB", (), SPARSE),
        ("Trainium2", (), LLAMA),
        ("Instinct-MI100", (), LLAMA),
        ("Gaudi3", ("--kv-cache-dtype=fp8",), LLAMA),
        ("GB200-MIG-1g.24gb", (), LLAMA),
        ("H100-80GB-HBM3-MIG-1g.10gb", (), LLAMA),
    )
}
WORDS = {"starts": Verdict.GO, "unknown": Verdict.UNKNOWN}


@pytest.mark.parametrize("case", params(STATED_STARTS))
def test_agent_estimate_and_the_verdict_say_the_same_of_one_start(
    case: tuple[str, str, tuple[str, ...], dict[str, Any]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gpu, vllm, args, config = case
    args = ("--max-model-len=2048", *args)
    gpus = 2 if "-tp=2" in args else 1
    found = estimate(tmp_path, f"{gpu}:{gpus}", *args, capsys=capsys, config=config, vllm=vllm)
    verdict = decide(
        f"{gpu}:{gpus}",
        *args,
        vllm=vllm,
        config=config,
        quantization=config.get("quantization_config"),
        gpus=gpus,
    )
    assert WORDS.get(found["outcome"], Verdict.NO_GO) is verdict.verdict, (found["why"], verdict.why)
