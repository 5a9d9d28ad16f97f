"""What asks for no accelerator: NO-GO, or what would tell."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from deciding_support import cluster_of, decide, h100, model
from kube_support import CUDA, asks

from modelcar_tui.cluster.serving_types import HardwareProfile, Offered, Profiles
from modelcar_tui.core.errors import Problem
from modelcar_tui.core.facts import Fact
from modelcar_tui.verdict.no_gpus import without_accelerator
from modelcar_tui.verdict.reports import ModelVerdict, Verdict


def bare(*args: str, **told: Any) -> ModelVerdict:
    """The verdict on what asks for none, of a cluster that has one."""
    found = without_accelerator(asks(*args, gpus=0, **told), cluster_of(h100()))
    assert found is not None
    return found


CPUS = "no accelerator is asked for, and vLLM is a build for CPUs: serving on CPUs is not judged here"


@pytest.mark.parametrize("gpus_at_hand", [True, False])
def test_a_build_for_gpus_does_not_start_without_one(gpus_at_hand: bool) -> None:
    found = decide(asks(gpus=0), *([h100()] if gpus_at_hand else []))
    assert (found.verdict, found.gpus, found.kinds) == (Verdict.NO_GO, 0, ())
    assert found.why == (
        "no accelerator is asked for: the pod gets no GPU, "
        "and vLLM's build for GPUs does not start without one"
    )
    assert found.settle == "ask for one: resources.limits of the container, nvidia.com/gpu: 1"
    assert found.comparison == "model unknown vs no GPU asked for"


def test_what_the_model_needs_is_told_beside_it() -> None:
    need: Fact[float] = Fact(value=17.2, unit="GiB")
    what = msgspec.structs.replace(asks(gpus=0), required_vram_gib=need)
    found = decide(what, h100())
    assert (found.comparison, found.needed_gib) == ("model 18 GiB vs no GPU asked for", need)


@pytest.mark.parametrize(
    "told",
    [
        {"by": "public.ecr.aws/q9t5s3a7/vllm-cpu-release-repo:v0.19.0"},
        {"by": CUDA, "environment": (("VLLM_TARGET_DEVICE", "cpu"),)},
    ],
)
def test_a_build_for_cpus_is_not_judged(told: dict[str, Any]) -> None:
    found = bare(**told)
    assert (found.verdict, found.why) == (Verdict.UNKNOWN, CPUS)


def test_a_device_argument_tells_of_the_build_too() -> None:
    assert bare("--device", "cpu").why == CPUS


@pytest.mark.parametrize("image", ["", "registry.example.com/llm/server:3"])
def test_an_image_whose_name_tells_nothing_leaves_it_open(image: str) -> None:
    found = bare(by=image)
    assert found.verdict is Verdict.UNKNOWN
    assert found.why.endswith("whether the image's vLLM is a build for CPUs is not known")


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ({"runtime": "theirs"}, "ServingRuntime theirs may ask for one, and was not read"),
        ({"profile": "l40s"}, "hardware profile l40s may give one, and was not read"),
        ({"scheduler": "volcano"}, "the scheduler volcano is not the cluster's own"),
    ],
)
def test_what_was_not_read_may_bring_one(told: dict[str, Any], why: str) -> None:
    found = bare(kind="InferenceService", **told)
    assert found.verdict is Verdict.UNKNOWN
    assert found.why == f"no accelerator is asked for by number, but {why}"
    assert found.settle


def test_what_is_not_understood_may_ask_for_one() -> None:
    claimed = Problem(what="its devices come by a claim", fix="look at the claim", code="gpus-unknown")
    what = asks(gpus=0)
    what = msgspec.structs.replace(what, car=msgspec.structs.replace(what.car, open=(claimed,)))
    found = without_accelerator(what, cluster_of(h100()))
    assert found is not None
    assert (found.verdict, found.why, found.settle) == (Verdict.UNKNOWN, claimed.what, claimed.fix)


def test_a_profile_that_gives_one_is_judged_by_it() -> None:
    gives = HardwareProfile(
        name="l40s", namespace="apps", offers=(Offered(resource="nvidia.com/gpu", default=1),)
    )
    report = msgspec.structs.replace(cluster_of(h100()), profiles=Profiles(found=(gives,)))
    what = asks(gpus=0, kind="InferenceService", profile="l40s")
    assert without_accelerator(what, report) is None


def test_a_model_car_is_judged_by_the_nodes_alone() -> None:
    assert without_accelerator(model(gpus=0), cluster_of(h100())) is None
