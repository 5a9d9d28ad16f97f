"""Which sampler a build runs, by release, card and environment: v1/sample/ops/topk_topp_sampler.py."""

from __future__ import annotations

from typing import Any

import pytest

from modelcar_tui.vllm.builds import ImageBuild, Sampler, build_of, sampler_of


@pytest.mark.parametrize(
    ("text", "build"),
    [
        ("0.11.0+rhai5", ImageBuild.RED_HAT),
        ("0.18.0+rhaiv.7", ImageBuild.RED_HAT),
        ("registry.redhat.io/rhaiis/vllm-cuda-rhel9:3.2.2", ImageBuild.RED_HAT),
        ("quay.io/modh/vllm:rhoai-2.20-cuda", ImageBuild.RED_HAT),
        ("vllm/vllm-openai:v0.11.0", ImageBuild.UPSTREAM),
        ("docker.io/vllm/vllm-openai:v0.11.0", ImageBuild.UPSTREAM),
        ("0.11.0 (upstream image)", ImageBuild.UPSTREAM),
        ("0.9.2 without the FlashInfer sampler", ImageBuild.WITHOUT_FLASHINFER),
        ("0.11.2+rhai with the FlashInfer sampler", ImageBuild.WITH_FLASHINFER),
        ("0.11.0", ImageBuild.RELEASE),
        ("v0.8.5.post1 (V1)", ImageBuild.RELEASE),
        ("0.11", ImageBuild.UNKNOWN),
        ("0.11.0rc2", ImageBuild.UNKNOWN),
        ("0.10.1.1+cu128", ImageBuild.UNKNOWN),
        ("0.11.0+582e4e37.nv25.11", ImageBuild.UNKNOWN),
        ("lmcache/vllm-openai:v0.3.3", ImageBuild.UNKNOWN),
        ("", ImageBuild.UNKNOWN),
        (None, ImageBuild.UNKNOWN),
    ],
)
def test_what_a_text_tells_of_the_build(text: str | None, build: ImageBuild) -> None:
    assert build_of(text) is build


SORT, FLASHINFER, TRITON = Sampler.SORT, Sampler.FLASHINFER, Sampler.TRITON


@pytest.mark.parametrize(
    ("number", "given", "sampler"),
    [
        # Whoever has it samples with it.
        ((0, 8, 0), {"build": ImageBuild.UPSTREAM}, FLASHINFER),
        ((0, 11, 0), {"build": ImageBuild.UPSTREAM}, FLASHINFER),
        ((0, 11, 0), {"build": ImageBuild.RED_HAT}, SORT),
        ((0, 10, 2), {"build": ImageBuild.RED_HAT}, None),
        ((0, 9, 2), {}, None),
        ((0, 11, 0), {}, None),
        ((0, 11, 0), {"build": ImageBuild.RELEASE, "capability": 9.0}, FLASHINFER),
        ((0, 11, 0), {"build": ImageBuild.RELEASE, "capability": 8.6}, None),
        ((0, 11, 0), {"build": ImageBuild.RELEASE}, None),
        ((0, 10, 2), {"build": ImageBuild.RELEASE}, None),
        ((0, 11, 0), {"build": ImageBuild.WITHOUT_FLASHINFER}, SORT),
        ((0, 11, 0), {"cuda": False}, SORT),
        ((0, 9, 2), {"build": ImageBuild.WITH_FLASHINFER}, FLASHINFER),
        # By the environment alone.
        ((0, 11, 1), {"build": ImageBuild.UPSTREAM}, SORT),
        ((0, 16, 0), {}, SORT),
        ((0, 16, 0), {"build": ImageBuild.WITH_FLASHINFER}, FLASHINFER),
        # Without a patch: one that hangs on the build, or one that sorts.
        ((0, 11, 99), {"patch_told": False}, None),
        ((0, 11, 99), {"patch_told": False, "build": ImageBuild.UPSTREAM}, None),
        ((0, 11, 99), {"patch_told": False, "build": ImageBuild.WITH_FLASHINFER}, FLASHINFER),
        ((0, 11, 99), {"patch_told": False, "build": ImageBuild.WITHOUT_FLASHINFER}, SORT),
        ((0, 16, 99), {"patch_told": False}, SORT),
        ((0, 19, 99), {"patch_told": False}, TRITON),
        # A kernel for eight rows and more.
        ((0, 17, 0), {}, TRITON),
        ((0, 17, 0), {"rows": 7}, SORT),
        ((0, 17, 0), {"rows": 7, "build": ImageBuild.WITH_FLASHINFER}, FLASHINFER),
        ((0, 20, 2), {"capability": 9.0}, TRITON),
        # By default again, on cards that it knows.
        ((0, 21, 0), {"capability": 9.0}, FLASHINFER),
        ((0, 21, 0), {"capability": 9.0, "build": ImageBuild.WITHOUT_FLASHINFER}, TRITON),
        ((0, 21, 0), {"capability": 7.0}, TRITON),
        ((0, 23, 0), {"capability": 7.5}, FLASHINFER),
        ((0, 24, 0), {"capability": 7.5}, TRITON),
        ((0, 24, 0), {"cuda": False}, TRITON),
        ((0, 28, 0), {"cuda": False, "rows": 1}, SORT),
        ((0, 30, 0), {"cuda": False, "rows": 1}, TRITON),
    ],
)
def test_who_samples(number: tuple[int, int, int], given: dict[str, Any], sampler: Sampler | None) -> None:
    assert sampler_of(number, **{"build": ImageBuild.UNKNOWN, **given}) is sampler
