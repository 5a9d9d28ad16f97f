"""A file's objects as data: accepted changes in them, secrets masked, the file's own values otherwise."""

from __future__ import annotations

import hashlib

import pytest
import yaml

from modelcar_tui.core.errors import UserError
from modelcar_tui.core.numbers import holds_mask
from modelcar_tui.manifest import Change, Decision, Operation, Plan, inspect_text, objects_as_data

POD = """\
apiVersion: v1
kind: Pod
metadata: {name: a, labels: &labels {n: "1", y: "yes"}, annotations: null}
spec:
  hostIPC: true
  priority: 7
  started: 2024-01-01
  extra: *labels
  containers:
  - name: vllm
    image: vllm/vllm-openai:v0.9.1
    args: [--model=org/name, --max-model-len=8192]
    resources: {limits: {nvidia.com/gpu: 1}}
"""
CANARY = "hf_QwErTyUiOpAsDfGhJkLzXcVbNm12345678"


def plan(text: str, *changes: Change) -> Plan:
    digest = hashlib.sha256(text.encode()).hexdigest()
    return Plan(base="f.yaml", base_sha256=digest, target="t.yaml", changes=changes)


def test_values_are_those_of_the_file_and_a_null_is_left_out() -> None:
    (one,) = objects_as_data(POD.encode(), plan(POD))
    want = yaml.safe_load(POD)
    del want["metadata"]["annotations"]
    want["spec"]["started"] = "2024-01-01"
    assert one.body == want
    assert one.at == inspect_text(POD.encode(), "f.yaml")[0].models[0].at


def test_the_accepted_changes_are_in_it_and_no_others() -> None:
    change = Change(
        id="a/--max-model-len",
        model="a",
        operation=Operation.SET,
        flag="--max-model-len",
        old="--max-model-len=8192",
        new="--max-model-len=4096",
        reason="it fits",
    )
    made = plan(POD, change)
    for accepted, want in (((change.id,), "--max-model-len=4096"), ((), "--max-model-len=8192")):
        decision = Decision(plan_digest=made.digest, accepted=accepted, who="me")
        (one,) = objects_as_data(POD.encode(), made, decision)
        assert one.body["spec"]["containers"][0]["args"] == ["--model=org/name", want]


@pytest.mark.parametrize(
    "text",
    [
        POD.replace("--max-model-len=8192", f"--api-key={CANARY}"),
        POD.replace("--max-model-len=8192", f"--api-key, {CANARY}"),
        POD.replace("    args:", f"    env: [{{name: HF_TOKEN, value: {CANARY}}}]\n    args:"),
        POD.replace("    args: [", f"    command: [sh, -c, 'vllm serve m --api-key {CANARY}']\n    x: ["),
        POD + f"---\napiVersion: v1\nkind: Secret\nmetadata: {{name: s}}\nstringData: {{word: {CANARY}}}\n",
        POD.replace("    args:", f"    env: [&x {{name: HF_TOKEN, value: {CANARY}}}]\n    y: *x\n    args:"),
    ],
)
def test_a_secret_is_a_mask_wherever_it_stands(text: str) -> None:
    found = repr([one.body for one in objects_as_data(text.encode(), plan(text))])
    assert CANARY not in found and holds_mask(found)


@pytest.mark.parametrize("text", ["model-car: [{name: a, image: oci://a}]\n", "vllm serve org/name\n"])
def test_there_are_none_in_a_file_of_another_kind(text: str) -> None:
    assert objects_as_data(text.encode(), plan(text)) == ()


def test_objects_in_a_list_have_their_places() -> None:
    inner = "".join(f"  {line}\n" for line in POD.splitlines())
    text = f"apiVersion: v1\nkind: List\nitems:\n-{inner[1:]}"
    (one,) = objects_as_data(text.encode(), plan(text))
    assert one.body["kind"] == "Pod" and one.at.line == 4


def test_another_file_than_the_plan_s_is_refused() -> None:
    with pytest.raises(UserError, match="has changed since the plan was made"):
        objects_as_data(POD.encode() + b"\n", plan(POD))
