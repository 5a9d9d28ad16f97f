"""Changes of real kinds through their own readers: what comes out is read again as what was meant."""

from __future__ import annotations

import difflib
import hashlib
import json
from dataclasses import dataclass

import pytest
from llm_services import service

from modelcar_tui.core.errors import UserError
from modelcar_tui.manifest.apply import apply_changes
from modelcar_tui.manifest.arguments import effective, flag_of, values_after
from modelcar_tui.manifest.diff import text_hunks
from modelcar_tui.manifest.plan import Change, Decision, Operation, Plan
from modelcar_tui.manifest.reader import parse_manifest
from modelcar_tui.manifest.types import Manifest, ModelCar

DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: chat}
spec:
  replicas: 2
  template:
    spec:
      containers:
      - name: vllm
        image: vllm/vllm-openai:v0.11.0
        command: ["/bin/bash", "-c"]
        args:
        - |
          set -e   # stop early
          export VLLM_LOGGING_LEVEL=DEBUG
          exec vllm serve Qwen/Qwen3-8B \\
            --port 8000 \\
            --max-model-len ${LENGTH} --dtype=auto \\
            $EXTRA
        env:
        - {name: LENGTH, value: "4096"}
        - name: EXTRA
          value: --enforce-eager --seed 1  # more
        resources:
          limits: {nvidia.com/gpu: 1, memory: 20Gi}
"""
INFERENCE_SERVICE = """\
apiVersion: serving.kserve.io/v1alpha1
kind: ServingRuntime
metadata: {name: vllm}
spec:
  supportedModelFormats: [{name: vLLM}]
  containers:
  - name: kserve-container
    image: quay.io/modh/vllm:rhoai-2.25-cuda
    command: [python, -m, vllm.entrypoints.openai.api_server]
    args: &args
    - --port=8080
    - --model=/mnt/models
---
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: granite}   # ours
spec:
  predictor:
    model:
      modelFormat: {name: vLLM}
      runtime: vllm
      storageUri: oci://quay.io/redhat-ai-services/modelcar-catalog:granite-3.1-8b-instruct
      resources:
        requests:
          nvidia.com/gpu: "1"
        limits:
          nvidia.com/gpu: "1"
      args:   # the service's own
      - "--max-model-len"
      - "4096"
      - --enforce-eager
"""
PLAIN = service(
    """\
    replicas: 1
    parallelism:
      tensor: 2
    template:
      containers:
      - name: main
        resources: {limits: {nvidia.com/gpu: "2"}}
        env:
        - name: VLLM_ADDITIONAL_ARGS
          value: "--max-model-len 4096 --enforce-eager"
    """
)
BARE = service("replicas: 1\n")
JSON = """\
{
  "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "chat"},
  "spec": {"template": {"spec": {"containers": [
    {
      "name": "vllm",
      "image": "vllm/vllm-openai:v0.11.0",
      "args": [
        "--model=Qwen/Qwen3-8B",
        "--max-model-len", "4096",
        "--enforce-eager"
      ],
      "resources": {}
    }
  ]}}}
}
"""
FILES = {"json": JSON, "deployment": DEPLOYMENT, "isvc": INFERENCE_SERVICE, "llm": PLAIN, "bare": BARE}


@dataclass(frozen=True)
class Done:
    """A text after changes."""

    before: ModelCar
    after: ModelCar
    text: str
    lines: list[str]
    """Those that the diff takes away or adds, with their mark."""


def parsed(text: str) -> Manifest:
    """What a text serves."""
    return parse_manifest(text.encode(), "x.yaml")


def change(operation: Operation, flag: str, new: str | None = None, old: str | None = None) -> Change:
    """A change of the only model."""
    return Change(id=flag, model="", operation=operation, flag=flag, old=old, new=new, reason="it is slow")


def applied(text: str, *changes: Change) -> Done:
    """A text with changes made, read again and held against what the plan says of its arguments."""
    (before,) = parsed(text).models
    own = tuple(
        Change(
            id=one.id,
            model=before.name,
            operation=one.operation,
            flag=one.flag,
            old=one.old,
            new=one.new,
            reason=one.reason,
        )
        for one in changes
    )
    data = text.encode()
    plan = Plan(base="x.yaml", base_sha256=hashlib.sha256(data).hexdigest(), target="y.yaml", changes=own)
    assert apply_changes(data, plan, Decision(plan_digest=plan.digest, write=True)) == data
    new = apply_changes(data, plan).decode()
    assert text_hunks(data, plan)
    (after,) = parsed(new).models
    differing = difflib.unified_diff(text.splitlines(), new.splitlines(), n=0, lineterm="")
    return Done(
        before, after, new, [line for line in differing if line[0] in "+-" and line[1:3] not in ("--", "++")]
    )


@pytest.mark.parametrize("name", FILES)
def test_every_argument_can_go_and_change_alone(name: str) -> None:
    (model,) = parsed(FILES[name]).models
    args = model.serving.args
    for index, item in enumerate(args):
        if not item.startswith("-"):
            continue
        old = " ".join([item, *(args[at] for at in values_after(args, index))])
        for one in (
            change(Operation.REMOVE, flag_of(item), old=old),
            change(Operation.SET, flag_of(item), f"{flag_of(item)}=7", old),
        ):
            done = applied(FILES[name], one)
            assert done.after.serving.args == effective(done.before.serving, [one]).args
            assert len(done.lines) <= 3


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("new", ["--x=1", '--x={"a": "it\'s"}'])
def test_an_argument_is_added_as_vllm_gets_it(name: str, new: str) -> None:
    done = applied(FILES[name], change(Operation.ADD, "--x", new))
    assert sorted(done.after.serving.args) == sorted((*done.before.serving.args, new))
    gone = [line for line in done.lines if line.startswith("-")]
    assert name == "json" or all("value" in line or "$EXTRA" in line for line in gone)


@pytest.mark.parametrize("name", ["deployment", "isvc", "llm"])
def test_the_count_and_all_at_once(name: str) -> None:
    done = applied(
        FILES[name],
        change(Operation.GPU_COUNT, "gpu_count", "4"),
        change(Operation.ADD, "--x", "--x=1"),
        change(Operation.REMOVE, "--enforce-eager", old="--enforce-eager"),
    )
    assert done.after.serving.gpu_count == 4
    assert "--enforce-eager" not in done.after.serving.args
    assert ("tensor: 4" in done.text) == ("tensor: 2" in FILES[name])


def test_json_stays_json() -> None:
    bare = JSON.replace('      "args": [', '      "no": [')
    for text in (JSON, bare, JSON.replace("{}", '{"limits": {}}')):
        json.loads(applied(text, change(Operation.ADD, "--x", '--x={"a": 1}')).text)
        json.loads(applied(text, change(Operation.GPU_COUNT, "gpu_count", "2")).text)
    done = applied(JSON, change(Operation.REMOVE, "--enforce-eager", old="--enforce-eager"))
    assert json.loads(done.text)["spec"]["template"]["spec"]["containers"][0]["args"][-1] == "4096"


def test_a_value_in_two_words_and_a_shared_list_stay_as_they_are() -> None:
    done = applied(
        INFERENCE_SERVICE,
        change(Operation.SET, "--max-model-len", "--max-model-len=8192", "--max-model-len 4096"),
    )
    assert done.lines == ['-      - "4096"', '+      - "8192"']


def test_a_flag_that_goes_is_no_value_of_the_one_before() -> None:
    text = INFERENCE_SERVICE.replace(
        "      - --enforce-eager\n", "      - --enforce-eager\n      - --async\n"
    )
    eager = change(Operation.SET, "--enforce-eager", "--enforce-eager=true", "--enforce-eager")
    done = applied(text, eager, change(Operation.REMOVE, "--async", old="--async"))
    assert done.after.serving.args == ("--max-model-len", "4096", "--enforce-eager=true")


def test_a_variable_of_the_script_is_where_its_words_change() -> None:
    done = applied(DEPLOYMENT, change(Operation.REMOVE, "--enforce-eager", old="--enforce-eager"))
    assert done.lines == [
        "-          value: --enforce-eager --seed 1  # more",
        "+          value: --seed 1  # more",
    ]
    length = change(Operation.SET, "--max-model-len", "--max-model-len=8192", "--max-model-len 4096")
    assert "--max-model-len 8192 --dtype=auto" in applied(DEPLOYMENT, length).text


def test_a_service_without_a_container_gets_one_with_the_variable() -> None:
    done = applied(BARE, change(Operation.ADD, "--x", "--x=1"))
    assert done.lines == [
        "+  template:",
        "+    containers:",
        "+      - name: main",
        "+        env:",
        "+          - name: VLLM_ADDITIONAL_ARGS",
        "+            value: --x=1",
    ]


def test_the_tensor_size_of_a_service_is_no_argument() -> None:
    size = change(Operation.ADD, "--tensor-parallel-size", "--tensor-parallel-size=4")
    done = applied(PLAIN, size, change(Operation.GPU_COUNT, "gpu_count", "4"))
    assert done.after.serving.args == done.before.serving.args
    assert "tensor: 4" in done.text
    assert done.after.serving.gpu_count == 4


def test_a_count_and_an_argument_share_the_container_that_is_made() -> None:
    done = applied(BARE, change(Operation.ADD, "--x", "--x=1"), change(Operation.GPU_COUNT, "gpu_count", "4"))
    assert done.lines[2:] == [
        "+      - name: main",
        "+        env:",
        "+          - name: VLLM_ADDITIONAL_ARGS",
        "+            value: --x=1",
        "+        resources:",
        "+          limits:",
        '+            nvidia.com/gpu: "4"',
    ]
    assert done.after.serving.gpu_count == 4


def test_a_count_that_no_place_takes_is_one_clear_line() -> None:
    text = BARE.replace("  namespace: llm\n", "  namespace: llm\n  annotations: {x: y}\n")
    claimed = text.replace("spec:\n", "spec:\n  template: {resourceClaims: [{name: gpu}]}\n")
    with pytest.raises(UserError, match="nowhere how many GPUs qwen gets"):
        applied(claimed, change(Operation.GPU_COUNT, "gpu_count", "4"))
