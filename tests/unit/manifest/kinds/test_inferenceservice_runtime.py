"""Which runtime an InferenceService gets, and what KServe refuses of the two."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from inference_services import RUNTIME, SERVICE, changed, codes, one, service


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (("spec disabled", True), "runtime-disabled"),
        (("spec supportedModelFormats", [{"name": "other"}]), "runtime-format"),
        (("spec supportedModelFormats 0 name", "vllm"), "runtime-format"),
        (("spec containers 0 name", "vllm"), "runtime-container"),
        (("spec protocolVersions", ["grpc-v2"]), "runtime-protocol"),
    ],
)
def test_what_kserve_refuses_keeps_it_from_a_go(change: tuple[str, Any], code: str) -> None:
    text = service(runtime="vllm-cuda-runtime", protocolVersion="v2")
    assert codes(one(text, changed(RUNTIME, *change)).open) == [code]


def test_a_format_with_a_version_needs_a_runtime_with_that_version() -> None:
    text = service(runtime="vllm-cuda-runtime", modelFormat={"name": "vLLM", "version": "1"})
    assert codes(one(text, RUNTIME).open) == ["runtime-format"]
    assert one(text, changed(RUNTIME, "spec supportedModelFormats 0 version", "1")).open == ()


def named(name: str, kind: str = "ServingRuntime", **one_format: Any) -> str:
    text = changed(changed(RUNTIME, "metadata name", name), "kind", kind)
    own = {"name": "vLLM", "autoSelect": True, **one_format}
    return changed(text, "spec supportedModelFormats 0", own)


@pytest.mark.parametrize(
    ("runtimes", "chosen"),
    [
        ([named("a")], "ServingRuntime a"),
        ([named("a", "ClusterServingRuntime", priority=9), named("b", priority=1)], "ServingRuntime b"),
        ([named("a", priority=1), named("b", priority=2)], "ServingRuntime b"),
        ([named("a"), named("b", priority=0)], "ServingRuntime b"),
        ([named("a"), named("b")], ""),
        ([named("a", autoSelect=False)], ""),
    ],
)
def test_a_runtime_that_is_not_named_is_chosen_as_kserve_does(runtimes: list[str], chosen: str) -> None:
    found = one(service(), *runtimes)
    assert found.server is not None
    assert found.server.told_by == (chosen or "InferenceService small")
    assert found.server.runtime == ""


def test_a_namespaced_runtime_comes_before_the_clusters_and_not_from_elsewhere() -> None:
    text = SERVICE.replace("runtime: vllm-cuda-runtime", "runtime: a")
    elsewhere = changed(named("a"), "metadata namespace", "other")
    cluster = changed(
        named("a", "ClusterServingRuntime"), "spec containers 0 image", "quay.io/vllm/cluster:1"
    )
    found = one(text, elsewhere, cluster).server
    assert found is not None
    assert found.image == "quay.io/vllm/cluster:1"
    found = one(text, cluster, changed(named("a"), "metadata namespace", "models")).server
    assert found is not None
    assert found.image == "quay.io/modh/vllm@sha256:abc"


def test_a_runtime_inside_a_template_is_found_and_its_parameters_fill_no_image() -> None:
    runtime = yaml.safe_load(changed(RUNTIME, "spec containers 0 image", "$(vllm-cuda-image)"))
    template = {
        "apiVersion": "template.openshift.io/v1",
        "kind": "Template",
        "metadata": {"name": "t"},
        "objects": [runtime],
    }
    found = one(SERVICE, yaml.safe_dump(template)).server
    assert found is not None
    assert (found.image, found.version) == ("", "v0.11.0")
    assert found.args[0] == "--port=8080"
