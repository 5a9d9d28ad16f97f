"""Weights that are no OCI image: nobody is asked, and a public name tells."""

from __future__ import annotations

import asyncio

import pytest

from modelcar_tui.core.facts import Source
from modelcar_tui.image import ImageFacts, ImageOptions, inspect_image, inspect_images

LLAMA = 8_030_261_248


def _look(reference: str, name: str = "m") -> ImageFacts:
    return asyncio.run(inspect_image(reference, name, options=ImageOptions(use_skopeo=False)))


@pytest.mark.parametrize(
    ("reference", "name"),
    [
        ("hf://meta-llama/Llama-3.1-8B-Instruct", "chat"),
        ("hf://meta-llama/Llama-3.1-8B-Instruct:main", "chat"),
        ("hf://meta-llama/Llama-3.1-8B-Instruct@0e9e39f249", "chat"),
        ("pvc://models/llama/Llama-3.1-8B-Instruct/", "chat"),
        ("pvc://models/snapshot", "llama-3.1-8b-instruct"),
        ("s3://bucket/models/llama-3.1-8b-instruct", "chat"),
        ("", "llama-3.1-8b-instruct"),
        ("", "prod/llama-3.1-8b-instruct"),
        ("pvc://claim", "llama-3.1-8b-instruct/prefill"),
    ],
)
def test_a_public_name_tells(reference: str, name: str) -> None:
    found = _look(reference, name)
    assert found.model.parameters.value == LLAMA
    assert found.model.parameters.source is Source.PUBLIC
    assert found.model.config["num_hidden_layers"] == 32
    assert not found.size_bytes.known and not found.architectures.known
    (problem,) = found.problems
    assert "taken for llama-3.1-8b" in problem.what and problem.code == "not-an-image"


def test_a_name_that_nobody_knows_stays_unknown() -> None:
    found = _look("pvc://claim/our-own-thing", "serving")
    assert not found.model.parameters.known and not found.model.config
    (problem,) = found.problems
    assert problem.where == "pvc://claim/our-own-thing"
    assert "no volume is looked into; its name is no public model" in problem.what
    assert "oci://" in problem.fix


def test_nothing_says_where_the_weights_are() -> None:
    (problem,) = _look("", "our-own-thing").problems
    assert problem.where == "our-own-thing"
    assert problem.what.startswith("nothing says where its weights come from")


def test_the_claim_is_no_name_of_a_model() -> None:
    assert not _look("pvc://llama-3.1-8b-instruct", "chat").model.parameters.known


def test_a_login_in_an_address_is_not_told() -> None:
    found = _look("https://user:hunter2hunter2@models.example.com/llama-3.1-8b-instruct")
    assert "hunter2" not in repr(found)


def test_hostile_texts_stay_text() -> None:
    found = _look("hf://evil/\x1b[31mname\u202e", "\x1b]0;x\x07")
    told = str(found.problems[0])
    assert "\x1b" not in told
    assert "\u202e" not in told


def test_they_go_beside_images() -> None:
    async def all_() -> dict[int, ImageFacts]:
        pairs = [("hf://meta-llama/Llama-3.1-8B-Instruct", "a"), ("", "llama-3.1-8b-instruct")]
        options = ImageOptions(use_skopeo=False)
        return {index: facts async for index, facts in inspect_images(pairs, options=options)}

    found = asyncio.run(all_())
    assert {one.model.parameters.value for one in found.values()} == {LLAMA}
