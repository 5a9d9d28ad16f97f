"""Whether vLLM is a build for CPUs, by its image's name and its settings."""

from __future__ import annotations

import pytest

from modelcar_tui.vllm.builds import runs_on_cpu


@pytest.mark.parametrize(
    ("image", "told"),
    [
        ("public.ecr.aws/q9t5s3a7/vllm-cpu-release-repo:v0.9.1", True),
        ("public.ecr.aws/q9t5s3a7/vllm-arm64-cpu-release-repo:v0.9.1", True),
        ("registry.redhat.io/rhaiis/vllm-cpu-rhel9:3.2", True),
        ("quay.io/me/vllm:0.9.1-cpu", True),
        ("quay.io/me/cpu@sha256:0123", True),
        ("kserve/huggingfaceserver:v0.15.2", True),
        ("kserve/huggingfaceserver:v0.15.2-gpu", False),
        ("vllm/vllm-openai:v0.9.1", False),
        ("registry.redhat.io/rhoai/odh-vllm-cuda-rhel9@sha256:0123", False),
        ("rocm/vllm:latest", False),
        ("quay.io/me/cpuvllm:1", False),
        ("quay.io/me/server:1", None),
        ("", None),
    ],
)
def test_its_image_tells_of_the_build(image: str, told: bool | None) -> None:
    assert runs_on_cpu(image, (), {}) is told


def test_settings_win_over_the_image() -> None:
    image = "vllm/vllm-openai:v0.9.1"
    assert runs_on_cpu(image, ("--device", "cpu"), {}) is True
    assert runs_on_cpu(image, ("--device=cpu",), {}) is True
    assert runs_on_cpu(image, ("--device=cpus",), {}) is False
    assert runs_on_cpu(image, (), {"VLLM_TARGET_DEVICE": "cpu"}) is True
    assert runs_on_cpu(image, (), {"VLLM_TARGET_DEVICE": "cuda"}) is False
