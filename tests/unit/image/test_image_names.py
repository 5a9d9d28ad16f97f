from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelcar_tui.core.facts import Source
from modelcar_tui.core.reference import parse_reference
from modelcar_tui.models.catalog import (
    catalog,
    family_key,
    find_catalog_image,
    find_family,
    images_of_same_model,
)
from modelcar_tui.models.names import guess_from_names, guess_model

ROWS = [
    line.split("\t")
    for line in (Path(__file__).parent / "catalog_names.tsv").read_text().splitlines()
    if line
]


def test_the_table_covers_every_catalog_image():
    assert len(ROWS) == 110
    assert {row[1] for row in ROWS} == {image.repository for image in catalog() if image.listed}


@pytest.mark.parametrize("row", ROWS, ids=[row[0] for row in ROWS])
def test_names_of_the_catalog(row):
    name, repository, billions, bits, quantization = row
    guess = guess_from_names(name, repository.rpartition("/")[2])
    assert guess.parameters.value == (
        None if billions == "-" else pytest.approx(float(billions) * 1e9, rel=0.005)
    )
    assert guess.bits.value == int(bits)
    assert guess.quantization_name.value == ("" if quantization == "-" else quantization)
    truth = find_catalog_image(repository)
    if guess.parameters.known and truth.parameters:
        assert guess.parameters.low <= truth.parameters <= guess.parameters.high
        assert guess.parameters.guess


@pytest.mark.parametrize(
    ("name", "billions", "bits", "quantization"),
    [
        ("Mixtral-8x7B-Instruct-v0.1", 46.7, 16, ""),
        ("mixtral-8x22b", 140.6, 16, ""),
        ("Llama-4-Scout-17B-16E-Instruct-quantized.w4a16", 108.6, 4, "w4a16"),
        ("qwen3-30b-a3b", 30, 16, ""),
        ("gemma-3n-e4b-it", 7.85, 16, ""),
        ("embeddinggemma-300m", 0.3, 16, ""),
        ("phi-4-bnb-4bit", None, 4, "bitsandbytes"),
        ("8bit-llama-70b", 70, 8, "int8"),
        ("llama-4-bit-13b", 13, 4, "int4"),
        ("Granite 3 base", None, 16, ""),
        ("llama-8b-int8", 8, 8, "int8"),
        ("llama-8b-gptq-int8", 8, 8, "gptq"),
        ("llama3-70b-awq", 70, 4, "awq"),
        ("model-7b.Q4_K_M.gguf", 7, 4, "gguf"),
        ("qwen2.5-7b-instruct-1m", 7, 16, ""),
        ("ling-1t", 1000, 16, ""),
        ("gpt-oss-120b", 116.8, 4, "mxfp4"),
        ("llama-3.1-405b-mxfp8", 405, 8, "mxfp8"),
        ("llama70b", 70, 16, ""),
        ("model-2b-fp32", 2, 32, ""),
    ],
)
def test_notations(name, billions, bits, quantization):
    guess = guess_from_names(name)
    assert guess.parameters.value == (None if billions is None else pytest.approx(billions * 1e9, rel=0.05))
    assert (guess.bits.value, guess.quantization_name.value) == (bits, quantization)


def test_experts_without_a_published_total_stay_unknown_with_bounds():
    guess = guess_from_names("some-5b-32e")
    assert guess.parameters.value is None
    assert (guess.parameters.low, guess.parameters.high) == (5e9, 160e9)


def test_quantized_somehow_is_not_16_bit():
    guess = guess_from_names("llama-8b-quantized")
    assert guess.bits.value is None
    assert guess.quantization_name.value is None


def test_the_repository_says_what_the_name_does_not():
    reference = parse_reference("oci://quay.io/me/modelcar-foo-13b-fp8-dynamic:1")
    facts = guess_model("my-model", reference)
    assert facts.parameters.value == 13_000_000_000
    assert (facts.bits.value, facts.quantization_name.value) == (8, "fp8")
    assert facts.weight_bytes.source is Source.NAME
    assert facts.weight_bytes.low < 13e9 < facts.weight_bytes.high


def test_the_tag_carries_the_model_in_the_old_catalog():
    facts = guess_model("x", parse_reference("oci://quay.io/redhat-ai-services/modelcar-catalog:foo-13b"))
    assert facts.parameters.value == 13_000_000_000


@pytest.mark.parametrize("host", ["registry.redhat.io", "registry.stage.redhat.io", "mirror.example/proxy"])
def test_the_catalog_knows_the_image_on_any_host(host):
    facts = guess_model("x", parse_reference(f"oci://{host}/rhelai1/modelcar-phi-4-quantized-w8a8:1.5"))
    assert facts.parameters.source is Source.CATALOG
    assert facts.parameters.value == 14_659_507_200
    assert (facts.bits.value, facts.quantization_name.value) == (8, "w8a8")


def test_families_and_variants():
    phi = find_catalog_image("rhelai1/modelcar-phi-4")
    assert {image.quantization for image in images_of_same_model(phi.repository) if image.listed} == {
        "",
        "fp8",
        "w4a16",
        "w8a8",
    }
    assert family_key("RedHatAI/Meta-Llama-3.1-8B-Instruct-quantized.w8a8") == "llama-3-1-8b-instruct"
    assert find_family("Llama-3.1-8B-Instruct-awq").parameters == 8_030_261_248
    assert find_family("nothing-of-ours") is None


@settings(deadline=None)
@given(st.lists(st.text(max_size=60), max_size=3))
def test_any_names_give_a_guess_that_holds_together(names):
    guess = guess_from_names(*names)
    if guess.parameters.value is not None:
        assert 0 <= guess.parameters.low <= guess.parameters.value <= guess.parameters.high
    assert guess.bits.value is None or guess.bits.value < 100
