"""What decides a start beside arguments and the GPU: Kubernetes manifests by hand."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from deciding_support import SHORT
from kube_support import asks

from modelcar_tui.cluster import parse_gpu_flags
from modelcar_tui.cluster.types import AcceleratorReport
from modelcar_tui.kube import Access, Rung
from modelcar_tui.manifest import Scheduling, Whole
from modelcar_tui.verdict.candidate import candidates
from modelcar_tui.verdict.deciding import decide_model
from modelcar_tui.verdict.reports import ModelVerdict


def _report(gpu: str) -> AcceleratorReport:
    return AcceleratorReport(access=Access(rung=Rung.OK), inventory=parse_gpu_flags((gpu,)))


def _decided(*args: str, gpu: str = "L40S:4", **asked: Any) -> ModelVerdict:
    there = _report(gpu)
    return decide_model(asks(*args, **asked), there, candidates(there), None)


@pytest.mark.parametrize(
    ("image", "verdict", "why"),
    [
        ("rocm/vllm:rocm6.4.1_vllm_0.10.1", "NO-GO", "built for AMD, and L40S is NVIDIA"),
        ("registry.redhat.io/rhaiis/vllm-rocm-rhel9:3.2.0", "NO-GO", "built for AMD"),
        ("quay.io/modh/vllm:rhoai-2.20-gaudi", "NO-GO", "built for INTEL GAUDI"),
        ("vllm/vllm-tpu:nightly", "NO-GO", "built for GOOGLE TPU"),
        ("public.ecr.aws/q9t5s3a7/vllm-cpu-release-repo:v0.11.0", "UNKNOWN", "build of vLLM for CPUs"),
        ("vllm/vllm-openai:v0.11.0-cu130", "GO", ""),
        ("quay.io/modh/vllm:rhoai-2.20-cuda", "GO", ""),
        ("example.com/amd64/vllm:1", "GO", ""),
    ],
)
def test_an_image_for_other_accelerators_serves_nothing_here(image: str, verdict: str, why: str) -> None:
    told = _decided(by=image)
    assert told.verdict == verdict
    assert why in told.why


def test_cudas_image_on_an_amd_card_is_refused() -> None:
    told = _decided(gpu="MI300X:8", resource="amd.com/gpu")
    assert (told.verdict, told.settle) == ("NO-GO", "take an image that is built for AMD")


@pytest.mark.parametrize(
    ("args", "asked", "verdict", "why"),
    [
        (("--config=/etc/vllm.yaml",), {}, "UNKNOWN", "the file of --config"),
        (("--headless",), {}, "UNKNOWN", "--headless"),
        (("--cpu-offload-gb=20",), {"memory_limit_mib": 16 * 1024}, "UNKNOWN", "limit of 16 GiB"),
        (("--cpu-offload-gb=4",), {"memory_limit_mib": 16 * 1024}, "GO", ""),
        ((), {"environment": (("VLLM_USE_V1", "0"),)}, "UNKNOWN", "VLLM_USE_V1=0"),
        ((), {"environment": (("HF_HUB_OFFLINE", "1"),), "image": "hf://a/b"}, "UNKNOWN", "HF_HUB_OFFLINE"),
        ((), {"environment": (("HF_HUB_OFFLINE", "1"),)}, "GO", ""),
        ((), {"environment": (("CUDA_VISIBLE_DEVICES", "0"),)}, "GO", ""),
    ],
)
def test_what_is_not_read_keeps_a_go_from_being_said(
    args: tuple[str, ...], asked: dict[str, Any], verdict: str, why: str
) -> None:
    told = _decided(SHORT, *args, **asked)
    assert told.verdict == verdict
    assert why in told.why


def test_gpus_that_a_variable_hides_are_not_there() -> None:
    hides = (("CUDA_VISIBLE_DEVICES", "0"),)
    told = _decided(SHORT, "--tensor-parallel-size=2", gpus=2, environment=hides)
    assert (told.verdict, told.why) == ("NO-GO", "CUDA_VISIBLE_DEVICES=0 shows vLLM 1 GPU, and it wants 2")


@pytest.mark.parametrize(
    "elsewhere",
    [
        ("--data-parallel-rank=1", "--data-parallel-address=x"),
        ("--data-parallel-size-local=1", "--data-parallel-hybrid-lb"),
    ],
)
def test_ranks_that_others_start_want_no_gpu_of_this_pod(elsewhere: tuple[str, ...]) -> None:
    told = _decided(SHORT, "--data-parallel-size=2", *elsewhere)
    assert told.verdict == "UNKNOWN"
    assert told.why.startswith("1 of 2 data parallel ranks start here")


def test_ranks_of_a_group_of_pods_are_all_there() -> None:
    told = _decided(
        SHORT, "--data-parallel-size=4", "--data-parallel-size-local=2", gpu="L40S:2@2", gpus=2, pods=2
    )
    assert told.verdict == "GO"


def test_what_the_api_server_refuses_is_a_no() -> None:
    refused = Scheduling(whole=Whole(refused="the request of nvidia.com/gpu is not its limit"))
    told = _decided(scheduling=refused)
    assert told.verdict == "NO-GO"
    assert told.why.endswith("the request of nvidia.com/gpu is not its limit")


def test_a_context_beyond_the_models_positions_may_be_allowed() -> None:
    long = "--max-model-len=200000"
    asked = asks(long, "--kv-cache-dtype=fp8")
    serving = msgspec.structs.replace(asked.car.serving, long_context=True)
    allowed = msgspec.structs.replace(asked, car=msgspec.structs.replace(asked.car, serving=serving))
    there = _report("H200:1")
    kinds = candidates(there)
    assert decide_model(asked, there, kinds, None).verdict == "NO-GO"
    assert decide_model(allowed, there, kinds, None).verdict == "GO"
