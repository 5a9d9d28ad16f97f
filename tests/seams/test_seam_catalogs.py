"""Red Hat's catalog, asked by the sizes of a name and by the advice on another image: one family of each."""

from __future__ import annotations

import pytest
from seam_support import params

from modelcar_tui.core.reference import parse_reference
from modelcar_tui.models.catalog import catalog, family_key, find_family, images_of_same_model
from modelcar_tui.vllm.quantization.nearest import nearest
from modelcar_tui.vllm.quantization.support import Support

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


def test_every_image_has_the_family_that_its_name_says() -> None:
    for image in catalog():
        assert family_key(image.repository) == image.family
        assert image in images_of_same_model(f"registry.redhat.io/{image.repository}:1.5")


@pytest.mark.parametrize("case", params(NAMES))
def test_a_reference_has_one_family_whoever_asks(case: tuple[str, str]) -> None:
    reference, family = case
    assert family_key(parse_reference(reference).repository) == family
    assert {image.family for image in images_of_same_model(reference)} <= {family}


def test_what_the_advice_proposes_is_of_the_size_that_the_name_has() -> None:
    for image in catalog():
        other = nearest(f"registry.redhat.io/{image.repository}", image.scheme, lambda _: Support.NATIVE)
        if other:
            known, named = find_family(other), find_family(image.repository)
            assert known is named, image.repository
