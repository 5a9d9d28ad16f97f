"""One judge: what the estimate refuses is what lint, the solver and the verdict call unsupported."""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from quantized_models import CONFIGS, LLAMA, MIXTRAL, quantized

from modelcar_tui.core.facts import Fact, Source
from modelcar_tui.hardware.gpu import Gpu
from modelcar_tui.hardware.vendor import hardware
from modelcar_tui.memory.estimator import estimate
from modelcar_tui.memory.types import Outcome
from modelcar_tui.models.facts import ModelFacts
from modelcar_tui.models.quantization.declared import declared_scheme
from modelcar_tui.models.quantization.scheme_table import rows, schemes_by_id
from modelcar_tui.models.quantization.storage import scheme_of_model
from modelcar_tui.vllm.arguments.engine_args import read_engine_args
from modelcar_tui.vllm.quantization.runs_on import check_support
from modelcar_tui.vllm.quantization.schemes import (
    judge,
    minimum_capability,
    runs,
    schemes_refused,
    unbuilt_for,
)
from modelcar_tui.vllm.quantization.support import Support
from modelcar_tui.vllm.quantization_table import quantization_table
from modelcar_tui.vllm.release import parse_version
from modelcar_tui.vllm.value_table import capability_table

TABLE = quantization_table()
CAPABILITIES = ("7.0", "7.5", "8.0", "8.6", "8.9", "9.0", "10.0", "10.3", "12.0", "12.1")
OTHERS = (
    ("amd", "gfx90a"),
    ("amd", "gfx942"),
    ("amd", "gfx950"),
    ("intel", None),
    ("cpu", None),
    ("tpu", None),
)
DECISIONS = json.loads((Path(__file__).parent / "quantization_decisions.json").read_text("utf-8"))[
    "decisions"
]
REFUSED = (Outcome.REFUSED_QUANT, Outcome.REFUSED_KERNEL, Outcome.REFUSED_DTYPE)
ARGS = read_engine_args(("--max-model-len=2048",), 1, None)
GIB_80: Fact[float] = Fact(value=80.0, source=Source.NODE_LABEL, unit="GiB")


def card(capability: str | None, vendor: str = "nvidia") -> Gpu:
    return Gpu(
        product="card", vendor=vendor, compute_capability=capability, memory_gib=GIB_80, visible_gib=GIB_80
    )


def unsupported(model: ModelFacts, gpu: Gpu, vllm: str | None, **more: Any) -> bool:
    answers = check_support(
        model,
        vendor=gpu.vendor,
        product=gpu.product,
        compute_capability=gpu.compute_capability,
        vllm=vllm,
        **more,
    )
    return any(answer.support is Support.UNSUPPORTED for answer in answers)


@pytest.mark.parametrize("name", CONFIGS)
@pytest.mark.parametrize("base", [LLAMA, MIXTRAL], ids=["dense", "experts"])
def test_the_estimate_refuses_exactly_what_is_unsupported(name: str, base: dict[str, Any]) -> None:
    model = quantized(CONFIGS[name], base)
    cards = [card(each) for each in CAPABILITIES] + [card(detail, vendor) for vendor, detail in OTHERS]
    differ = [
        (gpu.vendor, gpu.compute_capability, vllm)
        for gpu, vllm in product(cards, (*TABLE.versions, "0.15.0", "0.40.0", None))
        if (estimate(model, gpu, ARGS, vllm=vllm).outcome in REFUSED) != unsupported(model, gpu, vllm)
    ]
    assert differ == []


@pytest.mark.parametrize("name", CONFIGS)
def test_a_model_without_sizes_is_refused_for_the_same_reason(name: str) -> None:
    model = ModelFacts(quantization=CONFIGS[name])
    differ = [
        (capability, vllm)
        for capability, vllm in product(CAPABILITIES, TABLE.versions)
        if (estimate(model, card(capability), ARGS, vllm=vllm).outcome in REFUSED)
        != unsupported(model, card(capability), vllm)
        and not unbuilt_for(hardware("nvidia", "card", capability), parse_version(vllm))
    ]
    assert differ == []


@pytest.mark.parametrize("flag", ["fp8", "bitsandbytes", "experts_int8", "fp8_per_block", "mxfp8", "torchao"])
def test_a_model_that_is_quantized_while_it_is_loaded_is_judged_by_the_flag(flag: str) -> None:
    model, args = (
        ModelFacts(config=LLAMA),
        read_engine_args((f"--quantization={flag}", "--max-model-len=2048"), 1, None),
    )
    for capability, vllm in product(CAPABILITIES, TABLE.versions):
        refuses = estimate(model, card(capability), args, vllm=vllm).outcome in REFUSED
        assert refuses == unsupported(model, card(capability), vllm, quantization=flag), (capability, vllm)


def test_every_contradiction_of_the_two_judges_is_decided() -> None:
    cells = [
        (row["config"], capability, vllm)
        for row in DECISIONS
        for capability, vllm in product(row["capabilities"], row["releases"])
    ]
    assert len(cells) == len(set(cells)) == 149


@pytest.mark.parametrize(
    "row", DECISIONS, ids=lambda row: f"{row['config']}-{row['capabilities'][0]}-{row['class']}"
)
def test_a_decided_cell_is_what_vllms_source_says(row: dict[str, Any]) -> None:
    config = CONFIGS[row["config"]]
    assert scheme_of_model(quantized(config), None).ids == (row["scheme"],)
    wanted = {"refused": {Support.UNSUPPORTED}, "unknown": {Support.UNKNOWN}}.get(
        row["answer"], {Support.NATIVE, Support.AT_A_COST}
    )
    for capability, vllm in product(row["capabilities"], row["releases"]):
        found = runs(row["scheme"], hardware("nvidia", "card", capability), parse_version(vllm))
        assert found[0] in wanted, (capability, vllm, found)
        outcome = estimate(quantized(config, MIXTRAL), card(capability), ARGS, vllm=vllm).outcome
        assert (outcome in REFUSED) == (row["answer"] == "refused"), (capability, vllm, outcome)


@pytest.mark.parametrize(
    "row", [row for row in DECISIONS if row["class"] in capability_table().groups["min_capability"]]
)
def test_a_decision_names_the_number_of_its_class(row: dict[str, Any]) -> None:
    for capability, vllm in product(row["capabilities"], row["releases"]):
        least = minimum_capability((row["class"],), vllm)
        assert least is not None and f" {least}" in f" {row['says']}"
        assert (float(capability) * 10 < least) == (row["answer"] == "refused")


def test_w8a16_on_blackwell_is_not_w8a8() -> None:
    found = estimate(quantized(CONFIGS["ct w8a16"]), card("10.0"), ARGS, vllm="0.19.1")
    assert found.outcome is Outcome.STARTS
    other = estimate(quantized(CONFIGS["ct w8a8 int8"]), card("10.0"), ARGS, vllm="0.19.1")
    assert other.outcome is Outcome.REFUSED_QUANT and "W8A8" in other.why


def test_a_refusal_says_the_scheme_the_release_and_both_capabilities() -> None:
    found = estimate(quantized(CONFIGS["modelopt fp8"]), card("8.0"), ARGS, vllm="0.19.1")
    assert found.outcome is Outcome.REFUSED_QUANT
    for part in ("FP8 W8A8 (modelopt)", "0.19.1", "8.9", "8.0"):
        assert part in found.why
    assert "not supported for the current GPU" in found.error


def test_a_refusal_by_the_class_does_not_hang_on_how_the_image_was_compiled() -> None:
    volta, release = hardware("nvidia", "V100", "7.0"), parse_version("0.16.0")
    assert judge("fp16", volta, release)[0] is Support.UNKNOWN
    assert judge("fp8", volta, release)[0] is Support.UNSUPPORTED


@pytest.mark.parametrize(
    ("capability", "vllm", "support"),
    [
        ("6.1", "0.9.2", Support.UNSUPPORTED),
        ("7.0", "0.10.2", Support.NATIVE),
        ("7.0", "0.20.0", Support.UNSUPPORTED),
        ("10.0", "0.7.3", Support.UNSUPPORTED),
        ("12.0", "0.8.5", Support.UNKNOWN),
        ("12.1", "0.9.0", Support.NATIVE),
        ("9.0", "0.6.0", Support.NATIVE),
    ],
)
def test_what_released_images_are_compiled_for(capability: str, vllm: str, support: Support) -> None:
    gpu = hardware("nvidia", "card", capability)
    assert judge("fp16", gpu, parse_version(vllm))[0] is support
    assert bool(unbuilt_for(gpu, parse_version(vllm))) is (support is Support.UNSUPPORTED)


def test_a_release_is_judged_to_its_last_number() -> None:
    hopper = hardware("nvidia", "H100", "9.0")
    for vllm, refuses in (("0.10.1", True), ("0.10.1.1", False), ("0.10.2", False)):
        assert bool(schemes_refused(("mxfp4",), hopper, parse_version(vllm))) is refuses
        model = quantized(CONFIGS["mxfp4"], MIXTRAL | {"torch_dtype": "bfloat16"})
        assert (estimate(model, card("9.0"), ARGS, vllm=vllm).outcome in REFUSED) is refuses


def test_each_scheme_has_one_row_for_its_checkpoints_and_one_for_its_gpus() -> None:
    assert {row.id for row in rows()} == {rule.id for rule in TABLE.schemes}
    assert len(rows()) == len(schemes_by_id()) == len(TABLE.schemes)


def test_each_word_of_a_config_means_one_scheme() -> None:
    words = [word for row in rows() for word in row.words]
    assert len(words) == len(set(words))
    said = [(method, word) for row in rows() for method, found in row.says.items() for word in found]
    assert len(said) == len(set(said))
    assert {row.like for row in rows() if row.like} <= set(schemes_by_id())


def test_every_scheme_can_be_declared() -> None:
    reached = {scheme for config in CONFIGS.values() for scheme in declared_scheme(quantized(config)).schemes}
    unreached = set(schemes_by_id()) - reached
    assert unreached == {"fp16", "bf16", "fp32", "gguf", "quark-nvfp4", "w4a8-fp8"}
