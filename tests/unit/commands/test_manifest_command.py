"""`agent manifest`: whole runs over stated GPUs; what is accepted, written, refused, with which status."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from modelcar_tui import agent
from modelcar_tui.commands import manifest as manifest_command
from modelcar_tui.commands.manifest import required_ids
from modelcar_tui.core.errors import Problem, UserError
from modelcar_tui.demo.kube import write_kubeconfig
from modelcar_tui.kserve import KINDS
from modelcar_tui.manifest import Change, Operation, Plan

NAME = "granite-3.1-8b-instruct"
ONE = f"""\
model-car:
  - name: {NAME}
    image: oci://127.0.0.1:9/rhelai1/modelcar-granite-3-1-8b-instruct:1.5
    serving_arguments:
      gpu_count: 1
      args:
        - --max-model-len=2048
        - --distributed-executor-backend=mp
"""
CHANGE = f"{NAME}/--distributed-executor-backend"


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    path = tmp_path / "one.base.yaml"
    path.write_text(ONE)
    return path


@pytest.fixture(autouse=True)
def unchecked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is refused, whatever schemas are there: what they refuse has tests of its own."""
    monkeypatch.setattr(manifest_command, "validate", lambda *_: (), raising=False)


def run(path: Path, *words: str, gpu: str = "L40S:4") -> int:
    state = str(path.parent / "state")
    return agent.main(["manifest", str(path), "--gpu", gpu, "--state-dir", state, "--no-llm", *words])


def arguments(text: str) -> list[str]:
    (made,) = yaml.safe_load_all(text)
    found: list[str] = made["spec"]["predictor"]["model"]["args"]
    return found


def test_nothing_is_accepted_that_is_not_named(manifest: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(manifest, "--release", "3.4") == 0
    said = capsys.readouterr()
    assert arguments(said.out) == ["--max-model-len=2048", "--distributed-executor-backend=mp"]
    assert said.out.startswith(
        "# InferenceService for OpenShift AI 3.4; arguments as in one.base.yaml, "
        "0 of 1 proposed change accepted\n"
    )
    assert said.err.splitlines()[-1].startswith("GO: ")


@pytest.mark.parametrize(("accept", "left"), [("all", 1), (CHANGE, 1), ("required", 2), ("none", 2)])
def test_what_is_accepted_is_rendered(
    accept: str, left: int, manifest: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(manifest, "--accept", accept) == 0
    assert len(arguments(capsys.readouterr().out)) == left
    assert manifest.read_text() == ONE and not list(manifest.parent.glob("*.generated.yaml"))


def test_a_plan_that_was_saved_is_taken_as_it_was_shown(
    manifest: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan, state = manifest.parent / "p.json", str(manifest.parent / "state")
    assert agent.main(["plan", str(manifest), "-o", str(plan), "--gpu", "L40S:4", "--state-dir", state]) == 0
    capsys.readouterr()
    assert run(manifest, "--plan", str(plan), "--accept", CHANGE) == 0
    assert arguments(capsys.readouterr().out) == ["--max-model-len=2048"]
    other = manifest.with_name("other.base.yaml")
    other.write_text(ONE + "# another\n")
    assert run(other, "--plan", str(plan), "--accept", "all") == 2
    said = capsys.readouterr()
    assert said.out == "" and "it was made for another file than other.base.yaml as it stands" in said.err
    manifest.write_text(ONE + "# changed\n")
    assert run(manifest, "--plan", str(plan), "--accept", "all") == 2
    assert "p.json: stale: " in capsys.readouterr().err


@pytest.mark.parametrize("kind", KINDS[1:2])
def test_a_no_go_is_rendered_and_said(kind: str, manifest: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(manifest, "--kind", kind, gpu="T4:1") == 1
    said = capsys.readouterr()
    assert yaml.safe_load(said.out)["kind"] == kind
    assert said.err.splitlines()[-1].startswith("NO-GO: ")


def test_it_is_written_for_the_operator_alone_and_replaces_nothing_unasked(
    manifest: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = manifest.parent / "out.yaml"
    assert run(manifest, "-o", str(out)) == 0
    said = capsys.readouterr()
    assert said.out == "" and f"saved: {out}" in said.err
    assert yaml.safe_load(out.read_text())["kind"] == "InferenceService" and out.stat().st_mode & 0o77 == 0
    out.write_text("another's\n")
    assert run(manifest, "-o", str(out)) == 2 and out.read_text() == "another's\n"
    assert run(manifest, "-o", str(out), "--force") == 0 and out.read_text() != "another's\n"
    assert run(manifest, "-o", str(manifest), "--force") == 2 and manifest.read_text() == ONE


def test_a_secret_in_clear_text_is_not_rendered(manifest: Path, capsys: pytest.CaptureFixture[str]) -> None:
    manifest.write_text(f"{ONE}        - --api-key=sk-planted-0123456789\n")
    assert run(manifest) == 2
    said = capsys.readouterr()
    assert said.out == "" and "args[2] is a secret in clear text" in said.err and "planted" not in said.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--accept", "x/--y"), "the plan has no change 'x/--y'"),
        (("--release", "new"), "'new' is no release of OpenShift AI"),
        (("--kind", "LLMInferenceService", "--release", "2.19"), "2.25 is the first that has"),
        (("--kind", "ServingRuntime"), "no vLLM runtime of the cluster is known"),
        (("--plan", "none.json"), "none.json: there is no such file"),
        (("-o", "no/such/folder.yaml"), "no/such"),
        (("--runtime", "A b"), "give a name of small letters"),
    ],
)
def test_what_can_not_be_rendered_gets_one_line(
    words: tuple[str, ...], said: str, manifest: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        status = run(manifest, *words)
    except SystemExit as end:
        status = int(end.code or 0)
    told = capsys.readouterr()
    assert (status, told.out) == (2, "") and said in told.err
    assert told.err.count("\n") == 1 and "Traceback" not in told.err


def test_where_the_cluster_does_not_answer_that_is_the_reason_and_the_status(
    manifest: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kubeconfig = manifest.with_name("kubeconfig")
    write_kubeconfig(kubeconfig, "https://127.0.0.1:9", {"token": "sha256~planted"})
    words = ["manifest", str(manifest), "--kubeconfig", str(kubeconfig), "--no-llm", "--state-dir"]
    words.append(str(manifest.parent / "state"))
    assert agent.main(words) == 3
    said = capsys.readouterr()
    first, second = said.err.splitlines()
    assert said.out == "" and "127.0.0.1:9" in first and "which accelerator its pod asks for" in second
    assert agent.main([*words, "--kind", "model-car"]) == 3
    assert yaml.safe_load(capsys.readouterr().out)["model-car"][0]["name"] == NAME


def test_what_is_required_brings_what_it_needs_beside_it() -> None:
    def change(name: str, severity: str, *beside: str) -> Change:
        more: dict[str, Any] = {"severity": severity, "together_with": beside}
        return Change(id=name, model="m", operation=Operation.ADD, flag=name, reason="", **more)

    changes = (change("a", "required", "c"), change("b", "improvement"), change("c", "improvement", "a"))
    assert required_ids(Plan(base="b", base_sha256="0", target="t", changes=changes)) == ["a", "c"]


def test_what_an_api_server_would_refuse_is_not_written(
    manifest: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, str | None]] = []

    def refuse(one: Mapping[str, Any], release: str | None = None) -> tuple[Problem, ...]:
        asked.append((one["kind"], release))
        return (Problem(where="spec.x", what="is unknown", code="field-unknown"),)

    monkeypatch.setattr(manifest_command, "validate", refuse, raising=False)
    assert run(manifest, "--release", "3.4") == 2
    said = capsys.readouterr()
    assert said.out == "" and "InferenceService granite-3-1-8b-instruct: spec.x: is unknown" in said.err
    assert asked == [("InferenceService", "3.4")]
    assert run(manifest, "--kind", "model-car") == 0 and len(asked) == 1


def test_what_could_not_be_checked_is_said_and_refuses_nothing(
    manifest: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def unable(*_: object) -> tuple[Problem, ...]:
        raise UserError(Problem(what="no schemas are kept for OpenShift AI 3.9"))

    monkeypatch.setattr(manifest_command, "validate", unable, raising=False)
    assert run(manifest, "--release", "3.9") == 0
    said = capsys.readouterr()
    assert said.out and "note: not checked: no schemas are kept for OpenShift AI 3.9" in said.err
    rule = Problem(where="spec", what="a rule of CEL", code="rule-unchecked")
    monkeypatch.setattr(manifest_command, "validate", lambda *_: (rule,), raising=False)
    assert run(manifest) == 0 and "not checked: InferenceService" in capsys.readouterr().err


SERVICE = """\
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: granite, namespace: team, uid: abc}
spec:
  predictor:
    minReplicas: 2
    maxReplicas: 4
    model:
      modelFormat: {name: vLLM}
      runtime: mine
      storageUri: oci://127.0.0.1:9/rhelai1/modelcar-granite-3-1-8b-instruct:1.5
      args: [--max-model-len=2048, --distributed-executor-backend=ray]  # why
      resources: {requests: {cpu: "4", memory: 24Gi}, limits: {nvidia.com/gpu: "1"}}
"""


def test_an_object_of_the_operator_s_own_comes_out_whole_with_what_was_accepted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "service.yaml"
    path.write_text(SERVICE)
    assert run(path, "--accept", "granite/--distributed-executor-backend", "--release", "3.4") in (0, 8)
    text = capsys.readouterr().out
    (made,) = yaml.safe_load_all(text)
    assert made["metadata"] == {"name": "granite", "namespace": "team"}
    predictor = made["spec"]["predictor"]
    assert (predictor["minReplicas"], predictor["maxReplicas"], predictor["model"]["runtime"]) == (
        2,
        4,
        "mine",
    )
    assert arguments(text) == ["--max-model-len=2048"]
    assert "# without what only an API server writes: uid" in text
    assert "# without --distributed-executor-backend=ray: one GPU needs no ray workers" in text
    assert path.read_text() == SERVICE


def test_what_a_kind_can_not_say_is_one_line_and_status_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "serve.sh"
    path.write_text("vllm serve ibm-granite/granite-3.1-8b-instruct --max-model-len 2048\n")
    assert run(path, "--kind", "model-car") == 2
    said = capsys.readouterr()
    assert said.out == "" and "a model-car is an OCI image, and this model comes from hf://" in said.err
    assert run(path, "--release", "3.4") in (0, 8)
    assert "fetches the model from huggingface.co at each start" in capsys.readouterr().err
