"""Where the manifest says that its models are served, there its limits and runtimes are read."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from modelcar_tui.cluster.types import AcceleratorReport
from modelcar_tui.demo.kube import start_stub_cluster
from modelcar_tui.supervisor import Accelerator, Settings, run_alone
from modelcar_tui.supervisor.specialists.accelerator import cluster_options, namespaces_of, stating

SERVICE = """\
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {{name: {name}, namespace: {namespace!r}}}
spec:
  predictor:
    model: {{modelFormat: {{name: vLLM}}, runtime: vllm-cuda, storageUri: "oci://quay.io/x/m:1"}}
---
"""


def manifest(tmp_path: Path, *namespaces: str) -> Path:
    path = tmp_path / "m.yaml"
    each = [SERVICE.format(name=f"m{at}", namespace=one) for at, one in enumerate(namespaces)]
    path.write_text("".join(each))
    return path


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (("prod",), ("prod",)),
        (("prod", "dev", "prod"), ("prod", "dev")),
        (("", "dev"), ("dev",)),
        (("{{ .Release.Namespace }}",), ()),
        (("a/../../secrets",), ()),
    ],
)
def test_the_namespaces_of_a_file_in_its_order(
    tmp_path: Path, written: tuple[str, ...], expected: tuple[str, ...]
) -> None:
    found = stating(manifest(tmp_path, *written))
    assert found is not None and namespaces_of(found) == expected


def test_a_file_that_names_none_is_not_read_twice(tmp_path: Path) -> None:
    path = tmp_path / "m.yaml"
    path.write_text("no: manifest\n")
    assert stating(path) is None


def test_what_the_operator_says_counts_before_the_manifest(tmp_path: Path) -> None:
    stated = stating(manifest(tmp_path, "prod"))
    assert cluster_options(Settings(manifest="", namespace="mine"), stated).namespace == "mine"
    assert cluster_options(Settings(manifest=""), stated).namespace == "prod"
    assert cluster_options(Settings(manifest="")).namespace is None


@pytest.mark.parametrize(
    ("namespace", "asked", "told"), [(None, "prod", ["not in dev: --namespace"]), ("mine", "mine", [])]
)
def test_limits_are_read_where_the_first_model_is_served(
    tmp_path: Path, namespace: str | None, asked: str, told: list[str]
) -> None:
    path = manifest(tmp_path, "prod", "dev")
    with start_stub_cluster(folder=tmp_path) as stub:
        settings = Settings(
            manifest=str(path),
            kubeconfig=str(stub.kubeconfig_path),
            namespace=namespace,
            state_dir=str(tmp_path / "state"),
        )
        report, state, _ = asyncio.run(run_alone(Accelerator(), settings, AcceleratorReport))
    assert report.limits is not None and report.limits.namespace == asked
    found = [one.text for one in state.notices if "quotas and ServingRuntimes are read in" in one.text]
    assert len(found) == len(told) and all(part in text for part, text in zip(told, found, strict=True))


def test_a_manifest_that_can_t_be_read_costs_the_cluster_nothing(tmp_path: Path) -> None:
    path = tmp_path / "m.yaml"
    path.write_text("apiVersion: [\n")
    with start_stub_cluster(folder=tmp_path) as stub:
        settings = Settings(
            manifest=str(path), kubeconfig=str(stub.kubeconfig_path), state_dir=str(tmp_path / "state")
        )
        report, _, _ = asyncio.run(run_alone(Accelerator(), settings, AcceleratorReport))
    assert report.access.healthy and report.limits is not None and report.limits.namespace == "default"
