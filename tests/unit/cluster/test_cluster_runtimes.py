"""Which runtime image is proposed, and why none."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cluster_support import as_node, flavours, look_at

from modelcar_tui.cluster.offers import ServingRuntime, from_runtime
from modelcar_tui.cluster.types import AcceleratorReport
from modelcar_tui.demo.kube import start_stub_cluster
from modelcar_tui.demo.kube_objects import (
    DASHBOARD,
    DSCI,
    NODES,
    PROFILES,
    RUNTIMES,
    TEMPLATES,
    node,
    template,
)
from modelcar_tui.demo.kube_operators import APPLICATIONS
from modelcar_tui.demo.kube_rights import Right, User
from modelcar_tui.demo.kube_scenarios import Scenario, openshift_ai, templates
from modelcar_tui.vllm import release_of_runtime
from modelcar_tui.vllm.builds import Sampler, sampler_of
from modelcar_tui.vllm.profile import profile_for
from modelcar_tui.vllm.release import was_read


def with_nodes(*nodes: dict[str, Any]) -> Scenario:
    scenario = openshift_ai()
    scenario.objects[NODES] = list(nodes)
    return scenario


def flavour(name: str, **more: str) -> dict[str, Any]:
    found = copy.deepcopy(next(one for one in flavours() if one["id"] == name))
    found["labels"].update(more)
    return as_node(found)


async def report_on(scenario: Scenario, folder: Path) -> AcceleratorReport:
    with start_stub_cluster(scenario, folder=folder, tls=False) as cluster:
        return (await look_at(cluster))[0]


@pytest.mark.parametrize(
    ("name", "labels", "expected"),
    [
        ("nvidia-a100-80-exclusive", {}, "vllm-cuda-runtime-template"),
        ("nvidia-h100-mig-mixed", {}, "vllm-cuda-runtime-template"),
        ("nvidia-a10g-time-sliced-renamed", {}, "vllm-cuda-runtime-template"),
        ("intel-gaudi2", {}, "vllm-gaudi-runtime-template"),
        ("ibm-spyre-x86", {}, "vllm-spyre-x86-runtime-template"),
        ("ibm-spyre-x86", {"kubernetes.io/arch": "ppc64le"}, "vllm-spyre-ppc64le-runtime-template"),
        ("cpu-only", {}, "vllm-cpu-x86-runtime-template"),
        ("cpu-only", {"kubernetes.io/arch": "s390x"}, "vllm-cpu-runtime-template"),
    ],
)
async def test_a_runtime_matches_the_accelerator(
    tmp_path: Path, name: str, labels: dict[str, str], expected: str
) -> None:
    report = await report_on(with_nodes(flavour(name, **labels)), tmp_path)
    assert report.runtime is not None, report.runtime_problem
    assert report.runtime.name == expected
    assert report.runtime.version == "0.18.0+rhai"
    assert "@sha256:" in report.runtime.image


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("amd-mi300x-azure", "vllm-rocm-runtime-template is disabled by the administrator"),
        ("intel-flex-170", "no vLLM runtime for the accelerators here (intel-gpu)"),
        ("google-tpu-v6e", "no vLLM runtime for the accelerators here (google-tpu)"),
    ],
)
async def test_never_another_vendors_image(tmp_path: Path, name: str, says: str) -> None:
    report = await report_on(with_nodes(flavour(name)), tmp_path)
    assert report.runtime is None
    assert says in str(report.runtime_problem)
    assert "VLLM_RUNTIME_IMAGE" in str(report.runtime_problem)


async def test_the_environment_overrides_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VLLM_RUNTIME_IMAGE", "quay.io/me/vllm:v0.19.1-cuda")
    report = await report_on(openshift_ai(), tmp_path)
    assert report.runtime is not None
    assert (report.runtime.image, report.runtime.version) == ("quay.io/me/vllm:v0.19.1-cuda", "0.19.1")
    assert report.runtime.why == "set by VLLM_RUNTIME_IMAGE"


async def test_the_applications_namespace_is_asked_not_guessed(tmp_path: Path) -> None:
    scenario = openshift_ai()
    elsewhere = [copy.deepcopy(one) for one in templates()]
    for one in elsewhere:
        one["metadata"]["namespace"] = "my-applications"
    scenario.objects[TEMPLATES] = elsewhere
    scenario.objects[DSCI][0]["spec"]["applicationsNamespace"] = "my-applications"
    with start_stub_cluster(scenario, folder=tmp_path, tls=False) as cluster:
        report, _ = await look_at(cluster)
        assert report.runtime is not None
        assert not any("redhat-ods-applications/templates" in line for line in cluster.requests)


async def test_usual_namespaces_are_tried_where_it_can_not_be_asked(tmp_path: Path) -> None:
    scenario = openshift_ai()
    scenario.objects.pop(DSCI)
    report = await report_on(scenario, tmp_path)
    assert report.runtime is not None


async def test_a_customers_copy_is_shown_beside_the_shipped_one(tmp_path: Path) -> None:
    scenario = openshift_ai()
    copied = template("my-vllm", ["nvidia.com/gpu"], "quay.io/me/vllm:1", display="My vLLM")
    del copied["metadata"]["labels"]["opendatahub.io/ootb"]
    scenario.objects[TEMPLATES].append(copied)
    report = await report_on(scenario, tmp_path)
    assert report.runtime is not None
    assert report.runtime.name == "vllm-cuda-runtime-template"
    assert "also offered: my-vllm (quay.io/me/vllm:1)" in report.runtime.why


async def test_an_image_that_was_never_filled_in_is_not_passed_on(tmp_path: Path) -> None:
    scenario = openshift_ai()
    broken = template("vllm-cuda-runtime-template", ["nvidia.com/gpu"], "$(vllm-cuda-image)", display="x")
    scenario.objects[TEMPLATES] = [broken]
    report = await report_on(scenario, tmp_path)
    assert report.runtime is None
    assert "-template has an image that was never filled in ($(" in str(report.runtime_problem)


async def test_the_container_is_found_by_its_name(tmp_path: Path) -> None:
    scenario = openshift_ai()
    changed = template("vllm-cuda-runtime-template", ["nvidia.com/gpu"], "quay.io/right:1", display="x")
    extra = {"image": "quay.io/wrong:1", "name": "sidecar"}
    runtime = changed["objects"][0]
    runtime["spec"]["containers"].insert(0, extra)
    changed["objects"].insert(0, {"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": "c"}})
    scenario.objects[TEMPLATES] = [changed]
    report = await report_on(scenario, tmp_path)
    assert report.runtime is not None
    assert report.runtime.image == "quay.io/right:1"


async def test_serving_runtimes_stand_in_for_templates(tmp_path: Path) -> None:
    scenario = openshift_ai()
    runtime = template("vllm-cuda-runtime-template", ["nvidia.com/gpu"], "quay.io/own:1", display="x")[
        "objects"
    ][0]
    runtime["metadata"]["namespace"] = "default"
    scenario.objects[TEMPLATES] = []
    scenario.objects[RUNTIMES] = [runtime]
    report = await report_on(scenario, tmp_path)
    assert report.runtime is not None
    assert report.runtime.image == "quay.io/own:1"


async def test_disablement_is_read_from_the_same_namespace(tmp_path: Path) -> None:
    scenario = openshift_ai()
    scenario.objects[DASHBOARD][0]["spec"]["templateDisablement"] = ["vllm-cuda-runtime"]
    report = await report_on(scenario, tmp_path)
    assert report.runtime is None
    assert "disabled by the administrator" in str(report.runtime_problem)
    assert scenario.objects[DASHBOARD][0]["metadata"]["namespace"] == APPLICATIONS


async def test_a_cluster_that_is_not_openshift_says_so(tmp_path: Path) -> None:
    scenario = Scenario(objects={NODES: [node("n", {}, {"nvidia.com/gpu": "1"})]})
    report = await report_on(scenario, tmp_path)
    assert report.runtime is None
    assert "not OpenShift" in str(report.runtime_problem)


@pytest.mark.parametrize(
    ("annotation", "image", "expected"),
    [
        ("v0.18.0", "x@sha256:0", "0.18.0"),
        ("", "quay.io/vllm/vllm:v0.11.2", "0.11.2"),
        ("", "quay.io/modh/vllm:rhoai-2.20-cuda", None),
        ("", "registry.redhat.io/rhai/vllm-cuda-rhel9:3.6.0-ea.1", None),
        ("", "localhost:5000/vllm", None),
        ("", "quay.io/vllm/vllm:0.9.0.1@sha256:00", "0.9.0.1"),
        ("", "quay.io/vllm/vllm:v0.8.5.post1", "0.8.5.post1"),
        ("0.11.0+rhai5", "x@sha256:0", "0.11.0+rhai5"),
        ("v0.11.2", "registry.redhat.io/rhaiis/vllm-cuda-rhel9@sha256:00", "0.11.2+rhai"),
        ("", "registry.redhat.io/rhaiis/vllm-cuda-rhel9:3.2.4", "0.11.0+rhai5"),
        ("", "registry.redhat.io/rhaiis/vllm-cuda-rhel9:3.2.5-1766067105", "0.11.2+rhai"),
        ("", "mirror.example:5000/rhaiis/vllm-rocm-rhel9:3.4.0", "0.18.0+rhai"),
        ("", "registry.redhat.io/rhaiis/vllm-spyre-rhel9:3.2.5", None),
        ("", "registry.redhat.io/rhaiis/vllm-cuda-rhel9:latest", None),
        ("", "quay.io/modh/vllm:rhoai-2.25-cuda", "0.10.1.1+rhai"),
        ("v0.9.1.0", "quay.io/modh/vllm@sha256:00", "0.9.1.0+rhai"),
        ("", "vllm/vllm-openai:v0.11.0", "0.11.0+upstream"),
        ("", "docker.io/vllm/vllm-openai:v0.11.0-x86_64", "0.11.0+upstream"),
        ("", "vllm/vllm-openai:latest", None),
        ("", "ghcr.io/llm-d/llm-d-cuda:v0.9.0", None),
        ("", "kserve/huggingfaceserver:v0.15.0", None),
        ("1.2", "quay.io/own/vllm", "1.2"),
    ],
)
def test_versions(annotation: str, image: str, expected: str | None) -> None:
    assert release_of_runtime(annotation, image) == expected


@pytest.mark.parametrize(
    ("release", "name", "value", "said"),
    [
        ("0.11.0", "VLLM_USE_FLASHINFER_SAMPLER", "0", " without the FlashInfer sampler"),
        ("0.11.0", "VLLM_USE_FLASHINFER_SAMPLER", "1", ""),  # asked for, where it is installed
        ("0.11", "VLLM_USE_FLASHINFER_SAMPLER", "1", ""),
        ("0.11.2", "VLLM_USE_FLASHINFER_SAMPLER", "1", " with the FlashInfer sampler"),
        ("0.11.2", "VLLM_USE_FLASHINFER_SAMPLER", "", ""),
        ("0.11.2", "VLLM_USE_FLASHINFER_SAMPLER", "no", ""),
        ("0.13.0", "VLLM_ROCM_USE_AITER", "1", " with AITER"),
        ("0.13.0", "VLLM_ROCM_USE_AITER", "False", " without AITER"),
        ("0.13.0", "VLLM_ROCM_USE_AITER", "", ""),
    ],
)
def test_a_version_says_what_the_environment_says_of_its_kernels(
    release: str, name: str, value: str, said: str
) -> None:
    found = release_of_runtime(release, "vllm/vllm-openai:x", {name: value})
    assert found == f"{release}+upstream{said}"
    assert was_read(found, [release])


def test_what_is_only_asked_for_of_red_hats_0_11_0_does_not_replace_its_sort() -> None:
    """VLLM_USE_FLASHINFER_SAMPLER=1 installs nothing."""
    image = "registry.redhat.io/rhaiis/vllm-cuda-rhel9:3.2.4"
    told = profile_for(release_of_runtime("", image, {"VLLM_USE_FLASHINFER_SAMPLER": "1"}))
    assert sampler_of(told.number, told.build, capability=9.0) is Sampler.SORT


def test_red_hats_build_runs_aiter_where_its_environment_asks_for_it() -> None:
    image = "registry.redhat.io/rhaiis/vllm-rocm-rhel9:3.4.0"
    asked = {"VLLM_ROCM_USE_AITER": "1", "VLLM_USE_FLASHINFER_SAMPLER": "1"}
    found = release_of_runtime("", image, asked)
    assert (profile_for(release_of_runtime("", image)).aiter, profile_for(found).aiter) == (False, True)
    assert found is not None and was_read(found, ["0.18.0"])


async def test_hardware_profiles_tell_the_accelerator_where_nodes_do_not(tmp_path: Path) -> None:
    scenario = openshift_ai()
    counts = {"displayName": "any", "minCount": 1, "defaultCount": 1}
    profile = {
        "metadata": {"name": "gpu", "namespace": APPLICATIONS},
        "spec": {
            "identifiers": [
                {"identifier": "cpu", **counts},
                {"identifier": "nvidia.com/gpu", "resourceType": "Accelerator", **counts},
            ]
        },
    }
    scenario.objects[PROFILES] = [profile]
    scenario.user = User(
        "alice",
        rights=(
            Right("templates.template.openshift.io", APPLICATIONS),
            Right("hardwareprofiles.infrastructure.opendatahub.io", APPLICATIONS),
        ),
    )
    report = await report_on(scenario, tmp_path)
    assert not report.inventory.known
    assert report.runtime is not None
    assert report.runtime.name == "vllm-cuda-runtime-template"
    assert "hardware profiles" in report.runtime.why


def test_the_environment_that_a_runtime_says_literally_is_known_but_no_secret() -> None:
    variables = [
        {"name": "MAX_LEN", "value": "4096"},
        {"name": "HALF", "value": "$(MAX_LEN)/2"},
        {"name": "HF_TOKEN", "value": "hf_abcdef"},
        {"name": "FROM", "valueFrom": {"secretKeyRef": {"name": "x", "key": "y"}}},
        {"name": "LATER", "value": "$(NOT_YET)"},
        {"name": "FILLED_IN", "value": "${PARAMETER}"},
        {"name": "ODD", "value": "a\x1b[31m"},
        {"name": "MAX_LEN", "value": "8192"},
        {"name": "EMPTY", "value": ""},
    ]
    container = {"name": "kserve-container", "image": "quay.io/x/vllm:v0.19.1", "env": variables}
    runtime = {"kind": "ServingRuntime", "metadata": {"name": "mine"}, "spec": {"containers": [container]}}
    offer = from_runtime(msgspec.convert(runtime, ServingRuntime))
    assert offer is not None
    assert offer.environment == (("HALF", "4096/2"), ("MAX_LEN", "8192"), ("EMPTY", ""))
