"""Red Hat's catalog, read by two rooms: the same family, the same variants of every image."""

from __future__ import annotations

import pytest
from seam_support import grouped, params

from modelcar_tui.core.reference import parse_reference
from modelcar_tui.models import catalog as images
from modelcar_tui.vllm import variants as advice

NAMES: dict[str, tuple[str, str]] = {
    name: (name, family)
    for name, family in (
        ("registry.redhat.io/rhelai1/modelcar-llama-3-1-8b-instruct", "llama-3-1-8b-instruct"),
        ("registry.redhat.io/rhelai1/modelcar-llama-3-1-8b-instruct:1.5", "llama-3-1-8b-instruct"),
        ("registry.redhat.io/rhelai1/modelcar-llama-3-1-8b-instruct-fp8-dynamic", "llama-3-1-8b-instruct"),
        (
            "registry.redhat.io/rhelai1/modelcar-llama-3-1-8b-instruct-quantized-w4a16",
            "llama-3-1-8b-instruct",
        ),
        ("registry.redhat.io/rhelai1/modelcar-llama-3-1-8b-instruct-quantized-w8a8", "llama-3-1-8b-instruct"),
        ("registry.redhat.io/rhai/modelcar-redhatai-phi-4-nvfp4", "phi-4"),
        ("quay.io/team/granite-3.1-8b-instruct", "granite-3-1-8b-instruct"),
        ("quay.io/team/granite-3.1-8b-instruct-awq", "granite-3-1-8b-instruct"),
        ("quay.io/team/granite-3.1-8b-instruct-gptq", "granite-3-1-8b-instruct"),
        ("quay.io/team/granite-3.1-8b-instruct-mxfp4", "granite-3-1-8b-instruct"),
        ("quay.io/team/granite_3.1", "granite-3-1"),
        (f"quay.io/team/phi-4@sha256:{'0' * 64}", "phi-4"),
    )
}
DIFFER = grouped(
    {
        "the advice knows fewer words for a quantization": (
            "quay.io/team/granite-3.1-8b-instruct-awq",
            "quay.io/team/granite-3.1-8b-instruct-gptq",
            "quay.io/team/granite-3.1-8b-instruct-mxfp4",
        ),
        "the advice takes an underscore for a letter": ("quay.io/team/granite_3.1",),
    }
)


def test_both_read_the_same_images() -> None:
    assert [image.repository for image in images.catalog()] == [one.repository for one in advice.catalog()]


def test_both_know_the_same_variants_of_every_image() -> None:
    for image in images.catalog():
        first = {other.repository for other in images.variants(image)}
        second = {other.repository for other in advice.variants(image.repository) if other.listed}
        assert first == second - {image.repository}, image.repository


def test_both_give_every_image_the_same_family() -> None:
    for image in images.catalog():
        assert images.family_key(image.repository) == advice.family_of(image.repository) == image.family


@pytest.mark.parametrize("case", params(NAMES, DIFFER))
def test_both_give_a_reference_the_same_family(case: tuple[str, str]) -> None:
    reference, family = case
    repository = parse_reference(reference).repository
    assert (images.family_key(repository), advice.family_of(reference)) == (family, family)
