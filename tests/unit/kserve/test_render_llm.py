"""LLMInferenceServices: arguments, sizes and probes as the preset of each release reads them."""

from __future__ import annotations

import subprocess
from typing import Any

import pytest
from render_support import cluster, documents, model, node, render

from modelcar_tui.core.errors import UserError
from modelcar_tui.kserve.render_release import release_of

JSON = '--limit-mm-per-prompt={"image": 2, "it\'s": "$HOME `id`"}'


def service(*args: str, **more: Any) -> dict[str, Any]:
    found = model(*args, gpus=more.pop("gpus", 1))
    (made,) = documents(render(found, kind="LLMInferenceService", **more))
    return made


def main(made: dict[str, Any]) -> dict[str, Any]:
    (found,) = made["spec"]["template"]["containers"]
    assert found["name"] == "main"
    return found


@pytest.mark.parametrize(
    ("release", "version"),
    [("2.25", "v1alpha1"), ("3.3", "v1alpha1"), ("3.4", "v1alpha2"), ("3.5", "v1alpha2"), (None, "v1alpha1")],
)
def test_the_version_is_one_that_the_release_serves(release: str | None, version: str) -> None:
    made = service("--seed=1", release=release)
    assert made["apiVersion"] == f"serving.kserve.io/{version}"
    assert made["spec"]["model"] == {"uri": "oci://quay.io/x/m:1", "name": "granite-3.1-8b"}
    assert made["spec"]["router"] == {"scheduler": {}, "route": {}, "gateway": {}}
    assert made["spec"]["replicas"] == 1


@pytest.mark.parametrize(
    ("release", "by_args"), [("2.25", False), ("3.3", False), (None, False), ("3.4", True), ("3.5", True)]
)
def test_arguments_go_where_the_preset_hands_them_on(release: str | None, by_args: bool) -> None:
    found = main(service("--max-model-len=8192", "--seed", "1", release=release))
    if by_args:
        assert found["args"] == ["--max-model-len=8192", "--seed", "1"] and "env" not in found
    else:
        want = {"name": "VLLM_ADDITIONAL_ARGS", "value": "--max-model-len=8192 --seed 1"}
        assert found["env"] == [want] and "args" not in found


@pytest.mark.parametrize("release", ["3.2", "3.5"])
def test_what_a_shell_would_change_comes_through_the_preset_s_eval(release: str) -> None:
    """The very words of the preset's script, with a program that tells its arguments in the place of vLLM."""
    found = main(service("--seed=1", JSON, release=release))
    (variable,) = found["env"]
    script = "eval \"printf '%s\\0' \\\n  --port 8000 \\\n  ${VLLM_ADDITIONAL_ARGS} \\\n  $@\""
    done = subprocess.run(
        ["/bin/bash", "-c", script, "--"],
        env={variable["name"]: variable["value"], "PATH": "/usr/bin:/bin", "HOME": "/root"},
        capture_output=True,
        text=True,
        check=True,
        timeout=20,
    )
    assert done.stdout.split("\0")[:-1] == ["--port", "8000", "--seed=1", JSON]


@pytest.mark.parametrize(
    ("release", "apart"), [("2.25", False), ("3.4", False), (None, False), ("3.5", True)]
)
@pytest.mark.parametrize("spelled", [("--tensor-parallel-size=2",), ("-tp", "2"), ()])
def test_the_tensor_parallel_size_goes_where_the_preset_reads_it(
    release: str | None, apart: bool, spelled: tuple[str, ...]
) -> None:
    made = service("--seed=1", *spelled, gpus=2, release=release)
    assert made["spec"].get("parallelism") == ({"tensor": 2} if apart else None)
    container = main(made)
    told = " ".join(container.get("args") or ()) or container["env"][0]["value"]
    assert told == (
        "--seed=1" if apart else " ".join(("--seed=1", *(spelled or ("--tensor-parallel-size=2",))))
    )


def test_a_size_that_is_not_known_stays_an_argument() -> None:
    made = service("--tensor-parallel-size=$(TP)", gpus=2, release="3.5")
    assert "parallelism" not in made["spec"]


@pytest.mark.parametrize(("release", "whole"), [("3.3", True), (None, True), ("3.4", False)])
def test_the_startup_probe_is_whole_where_the_preset_has_none(release: str | None, whole: bool) -> None:
    probe = main(service(release=release))["startupProbe"]
    assert ("httpGet" in probe) is whole and probe["failureThreshold"] * probe["periodSeconds"] >= 600
    if whole:
        assert probe["httpGet"] == {"path": "/health", "port": 8000, "scheme": "HTTPS"}


def test_a_release_without_the_kind_is_refused() -> None:
    with pytest.raises(UserError, match=r"OpenShift AI 2.19 has no LLMInferenceService, 2.25 is the first"):
        service(release="2.19")


def test_another_vendor_s_preset_is_to_be_named() -> None:
    odd = node(resource="amd.com/gpu", product="MI300X", mem=196_592)
    made = render(model(), kind="LLMInferenceService", where=cluster(odd))
    assert any("spec.baseRefs" in note and "amd.com/gpu" in note for note in made.notes)


@pytest.mark.parametrize(
    ("stated", "of_cluster", "name"),
    [
        ("3.4", "OpenShift AI Self-Managed 2.25.0", "3.4"),
        ("v2.25.1", None, "2.25"),
        (None, "OpenShift AI Self-Managed 3.4.0", "3.4"),
        (None, "OpenShift AI", None),
        (None, None, None),
    ],
)
def test_the_release_is_the_operator_s_else_the_cluster_s(
    stated: str | None, of_cluster: str | None, name: str | None
) -> None:
    assert release_of(stated, of_cluster).name == name


@pytest.mark.parametrize("stated", ["newest", "", "3", "3.4; rm"])
def test_what_is_no_release_is_refused(stated: str) -> None:
    with pytest.raises(UserError, match="is no release of OpenShift AI"):
        release_of(stated, None)
