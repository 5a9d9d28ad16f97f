"""`agent manifest` over the stub cluster: its runtime, its release, its nodes; and the server's own word."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from modelcar_tui import agent
from modelcar_tui.commands import manifest as manifest_command
from modelcar_tui.core.errors import Problem
from modelcar_tui.demo.kube import StubCluster, start_stub_cluster
from modelcar_tui.kube import Client

ONE = """\
model-car:
  - name: granite-3.1-8b-instruct
    image: oci://127.0.0.1:9/rhelai1/modelcar-granite-3-1-8b-instruct:1.5
    serving_arguments: {gpu_count: 1, args: [--max-model-len=2048]}
"""


@pytest.fixture
def stub(tmp_path: Path) -> Iterator[StubCluster]:
    with start_stub_cluster(folder=tmp_path) as cluster:
        yield cluster


@pytest.fixture(autouse=True)
def unchecked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(manifest_command, "validate", lambda *_: (), raising=False)


def run(stub: StubCluster, folder: Path, *words: str) -> int:
    path = folder / "m.base.yaml"
    path.write_text(ONE)
    cluster = ("--kubeconfig", str(stub.kubeconfig_path))
    return agent.main(["manifest", str(path), *cluster, "--state-dir", str(folder / "s"), "--no-llm", *words])


def test_the_runtime_and_the_release_are_the_cluster_s(
    stub: StubCluster, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(stub, tmp_path) in (0, 8)
    said = capsys.readouterr()
    assert said.out.startswith("# InferenceService for OpenShift AI 3.4;")
    runtime, made = yaml.safe_load_all(said.out)
    container = runtime["spec"]["containers"][0]
    assert container["image"].startswith("registry.redhat.io/rhaii/vllm-cuda-rhel9@sha256:")
    assert container["command"] == ["python", "-m", "vllm.entrypoints.openai.api_server"]
    assert container["ports"] == [{"containerPort": 8080, "protocol": "TCP"}]
    assert runtime["metadata"]["annotations"]["opendatahub.io/template-name"] == "vllm-cuda-runtime-template"
    assert made["spec"]["predictor"]["model"]["runtime"] == runtime["metadata"]["name"]
    assert made["spec"]["predictor"]["model"]["resources"]["limits"]["nvidia.com/gpu"] == "1"
    writes = [line for line in stub.requests if not line.startswith("GET ")]
    assert all("selfsubject" in line.lower() for line in writes), writes


def test_the_server_is_asked_of_each_object_in_the_namespace(
    stub: StubCluster, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, str]] = []
    answer: list[Problem] = []

    async def ask(client: Client, one: Mapping[str, Any]) -> tuple[Problem, ...]:
        assert isinstance(client, Client)
        asked.append((one["kind"], one["metadata"]["namespace"]))
        return tuple(answer)

    monkeypatch.setattr(manifest_command, "dry_run", ask, raising=False)
    assert run(stub, tmp_path, "--dry-run=server", "--namespace", "team") in (0, 8)
    assert asked == [("ServingRuntime", "team"), ("InferenceService", "team")]
    capsys.readouterr()
    answer.append(Problem(where="spec", what="denied the request"))
    assert run(stub, tmp_path, "--dry-run=server") == 2
    said = capsys.readouterr()
    assert said.out == "" and "spec: denied the request" in said.err
    assert len({namespace for _, namespace in asked}) == 2  # the second time it is the context's
