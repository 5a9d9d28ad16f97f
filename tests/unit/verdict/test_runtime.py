"""Which runtime serves a model: the cluster's a model-car, its own what a Kubernetes manifest has."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from deciding_support import AT, SHORT, cluster_of, decide, h100, model

from modelcar_tui.advice import Finding
from modelcar_tui.cluster.types import AcceleratorReport, Runtime
from modelcar_tui.core.errors import Problem
from modelcar_tui.manifest import Server, ServingArguments
from modelcar_tui.verdict.candidate import candidates
from modelcar_tui.verdict.deciding import decide_model
from modelcar_tui.verdict.one_by_one import lint_at_runtime
from modelcar_tui.verdict.proposing import propose_for
from modelcar_tui.verdict.reports import ModelRequirements, Verdict
from modelcar_tui.verdict.runtime import (
    at_runtime,
    release_of,
    runtime_arguments,
    runtime_environment,
    runtime_of,
)

RELEASE = "0.19.1"
TEMPLATE = Runtime(image="quay.io/modh/vllm:x", name="vllm-cuda", version=RELEASE, args=("--port=8080",))
OWN = Runtime(
    image="quay.io/own/vllm:1",
    name="own",
    version="0.11.0",
    args=("--port=8080", "--max-model-len=4096"),
    environment=(("LEN", "2048"),),
)


def served(*args: str, gpus: int = 1, pods: int = 1, **server: Any) -> ModelRequirements:
    """What a Kubernetes manifest serves."""
    before = server.pop("before", ())
    found = model(*args, gpus=gpus)
    serving = ServingArguments(
        gpu_count=gpus, args=args, args_at=(AT,) * len(args), gpu_count_at=AT, by_suite=False, before=before
    )
    car = msgspec.structs.replace(
        found.car,
        kind="InferenceService",
        serving=serving,
        pods=pods,
        server=Server(resource="nvidia.com/gpu", args=before, **server),
    )
    return msgspec.structs.replace(found, car=car)


def cluster(*runtimes: Runtime, units: int = 8) -> AcceleratorReport:
    report = cluster_of(h100(units))
    return msgspec.structs.replace(report, runtime=TEMPLATE, runtimes=runtimes)


def codes(found: list[Finding]) -> set[str]:
    return {finding.code for finding in found}


def test_a_model_car_is_served_by_the_cluster_s_runtime() -> None:
    car = model(SHORT).car
    assert runtime_of(car, cluster(OWN)) is TEMPLATE
    assert release_of(car, cluster(OWN), None) == RELEASE


def test_a_named_runtime_of_the_cluster_tells_release_arguments_and_environment() -> None:
    what = served(SHORT, runtime="own", environment=(("LEN", "1024"),))
    assert release_of(what.car, cluster(OWN), None) == "0.11.0"
    assert release_of(what.car, cluster(OWN), "0.12.0") == "0.12.0"
    assert runtime_arguments(what.car, cluster(OWN)) == OWN.args
    assert runtime_environment(what.car, cluster(OWN)) == {"LEN": "1024"}


def test_an_image_of_its_own_tells_the_release_and_the_template_nothing() -> None:
    what = served(SHORT, image="docker.io/vllm/vllm-openai:v0.10.2", told_by="container vllm")
    found = runtime_of(what.car, cluster(OWN))
    assert found is not None and (found.version, found.args, found.name) == (
        "0.10.2+upstream",
        (),
        "container vllm",
    )


def test_a_runtime_that_the_cluster_does_not_have_is_no_go_and_one_that_nobody_looked_for_is_not() -> None:
    what = served(SHORT, runtime="gone")
    seen, blind = cluster(OWN), msgspec.structs.replace(cluster(), runtimes=None)
    verdict = decide_model(what, seen, candidates(seen), RELEASE)
    assert (verdict.verdict, verdict.why) == (
        Verdict.NO_GO,
        "the ServingRuntime gone is neither in the file nor on the cluster",
    )
    assert decide_model(what, blind, candidates(blind), RELEASE).verdict is Verdict.GO
    unread = decide_model(what, blind, candidates(blind), None)
    assert unread.verdict is Verdict.UNKNOWN and "oc get servingruntime gone" in unread.settle
    assert [one.text for one in unread.conditions] == ["if ServingRuntime gone passes nothing that matters"]


def test_a_runtime_that_is_left_to_kserve_is_the_only_one_or_not_known() -> None:
    what = served(SHORT)
    for runtimes, word, why in (
        ((), Verdict.NO_GO, "neither the file nor the cluster has one for vLLM"),
        ((OWN, msgspec.structs.replace(OWN, name="b")), Verdict.UNKNOWN, "would choose one of 2: b, own"),
        ((OWN,), Verdict.GO, ""),
    ):
        report = cluster(*runtimes)
        verdict = decide_model(what, report, candidates(report), None)
        assert verdict.verdict is word and why in verdict.why
    assert release_of(what.car, cluster(OWN), None) == "0.11.0"


def test_what_the_manifest_leaves_open_is_unknown_with_what_settles_it() -> None:
    problem = Problem(what="$EXTRA may be any argument", fix="write it out")
    what = served(SHORT, image="vllm")
    what = msgspec.structs.replace(what, car=msgspec.structs.replace(what.car, open=(problem,)))
    verdict = decide_model(what, cluster(), candidates(cluster()), RELEASE)
    assert (verdict.verdict, verdict.why, verdict.settle) == (Verdict.UNKNOWN, problem.what, problem.fix)


def test_the_runtime_s_arguments_stand_before_the_model_s_own_and_variables_are_filled_in() -> None:
    what = served("--max-model-len=$(LEN)", runtime="own")
    found = at_runtime(what, cluster(OWN)).car.serving
    assert found.whole == ("--max-model-len=4096", "--max-model-len=2048")
    assert at_runtime(model(SHORT), cluster(OWN)).car.serving.whole == (SHORT,)


def test_a_runtime_s_argument_decides_about_memory() -> None:
    """The model alone would take 131,072 tokens, which a small share of the card does not hold."""
    tight = "--gpu-memory-utilization=0.3"
    bare, cut = served(tight, runtime="plain"), served(tight, runtime="own")
    report = cluster(OWN, msgspec.structs.replace(OWN, name="plain", args=()))
    kinds = candidates(report)
    assert decide_model(bare, report, kinds, RELEASE).verdict is Verdict.NO_GO
    assert decide_model(cut, report, kinds, RELEASE).verdict is Verdict.GO
    assert not propose_for(
        cut, decide_model(cut, report, kinds, RELEASE), kinds, report, vllm=RELEASE, objective="minimal"
    ).changes


def test_what_vllm_refuses_of_the_runtime_s_arguments_is_told_and_stops_the_server() -> None:
    what = served(SHORT, runtime="bad")
    report = cluster(msgspec.structs.replace(OWN, name="bad", args=("--no-such-flag=1",)))
    (finding,) = [
        one for one in lint_at_runtime(what.car, None, report, RELEASE) if one.code == "flag-unknown"
    ]
    assert finding.what.endswith("(the serving runtime passes it)") and finding.at == AT
    assert decide_model(what, report, candidates(report), RELEASE).verdict is Verdict.NO_GO


@pytest.mark.parametrize(
    ("args", "gpus", "pods", "told"),
    [
        ((), 1, 1, ""),
        ((), 2, 1, "2 GPUs are asked for and vLLM uses 1: 1 GPU stays idle"),
        (("--tensor-parallel-size=2",), 2, 1, ""),
        (("--tensor-parallel-size", "2"), 1, 1, "2 ranks are asked for and only 1 GPU is there"),
        (("--tensor-parallel-size=4", "--pipeline-parallel-size=2"), 4, 2, ""),
        (("--pipeline-parallel-size=2",), 4, 2, "8 GPUs are asked for in 2 pods and vLLM uses 2"),
    ],
)
def test_the_ranks_of_a_kubernetes_manifest_are_held_against_the_gpus_of_its_pods(
    args: tuple[str, ...], gpus: int, pods: int, told: str
) -> None:
    found = lint_at_runtime(served(*args, gpus=gpus, pods=pods).car, None, cluster(), RELEASE)
    what = [finding.what for finding in found if finding.code == "gpu-count"]
    assert len(what) == bool(told) and all(one.startswith(told) for one in what)
    assert not codes(found) & {"two-item-flag", "gpu-count-missing", "suite-registry", "gpus-without-args"}
    assert not any("suite" in finding.what for finding in found)


def test_gpus_that_nobody_uses_are_no_tensor_parallel_size() -> None:
    """A model-car's count is passed on by the suite; here vLLM takes one GPU of the eight."""
    seventy = {"hidden_size": 8192, "num_hidden_layers": 80, "num_attention_heads": 64, "vocab_size": 128256}
    large = {**(model().image.model.config or {}), **seventy, "intermediate_size": 28672}
    what = served(SHORT, gpus=8)
    what = msgspec.structs.replace(
        what,
        image=msgspec.structs.replace(
            what.image, model=msgspec.structs.replace(what.image.model, config=large)
        ),
    )
    assert decide(model(SHORT, gpus=8, config=large), h100(8), vllm=RELEASE).verdict is Verdict.GO
    report, kinds = cluster(), candidates(cluster())
    verdict = decide_model(what, report, kinds, RELEASE)
    assert verdict.verdict is Verdict.NO_GO
    plan = propose_for(what, verdict, kinds, report, vllm=RELEASE, objective="minimal")
    wanted = {change.new for change in plan.changes if change.severity == "required"}
    assert any((item or "").startswith("--tensor-parallel-size=") for item in wanted)
    assert not any("suite" in change.reason for change in plan.changes)


def test_too_few_gpus_for_the_ranks_are_made_enough() -> None:
    what = served(SHORT, "--tensor-parallel-size=4", gpus=2)
    report, kinds = cluster(), candidates(cluster())
    verdict = decide_model(what, report, kinds, RELEASE)
    assert verdict.verdict is Verdict.NO_GO
    plan = propose_for(what, verdict, kinds, report, vllm=RELEASE, objective="minimal")
    assert [(change.flag, change.new) for change in plan.changes if change.severity == "required"] == [
        ("gpu_count", "4")
    ]
