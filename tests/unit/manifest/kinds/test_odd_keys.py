"""A key that is no plain text, as `{{ NAME }}` without quotes is one: refused where it matters, else told."""

from __future__ import annotations

import hashlib

import pytest

from modelcar_tui.core.errors import UserError
from modelcar_tui.manifest.apply import apply_changes
from modelcar_tui.manifest.masked import masked_text
from modelcar_tui.manifest.plan import Change, Operation, Plan
from modelcar_tui.manifest.reader import parse_manifest

SERVES = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: bees
spec:
  template:
    spec:
      containers:
      - name: vllm
        image: vllm/vllm-openai:v0.11.0
        command: [vllm, serve, hive/bee-7b]
        args: [--max-model-len=4096]
        resources: {limits: {nvidia.com/gpu: 1}}
"""
SECRET = """\
---
apiVersion: v1
kind: Secret
metadata:
  name: login
stringData:
  token: {{BEE_TOKEN}}
"""


def test_a_parameter_in_another_document_is_a_remark_and_the_rest_is_read_and_edited() -> None:
    data = (SERVES + SECRET).encode()
    read = parse_manifest(data, "f.yaml")
    assert [one.name for one in read.models] == ["bees"]
    assert [(one.code, one.where) for one in read.findings] == [("yaml-key", "f.yaml:20:11")]
    assert "parameter" in read.findings[0].what
    more = Change(
        id="a", model="bees", operation=Operation.ADD, flag="--seed", new="--seed=7", reason="to be told"
    )
    plan = Plan(base="f.yaml", base_sha256=hashlib.sha256(data).hexdigest(), target="g.yaml", changes=(more,))
    assert apply_changes(data, plan) == data.replace(b"4096]", b"4096, --seed=7]")


@pytest.mark.parametrize("where", ["{{ .Values.image }}", "{? [a, b] : c}"])
def test_one_in_what_serves_stops_the_reading(where: str) -> None:
    text = SERVES.replace("vllm/vllm-openai:v0.11.0", where)
    with pytest.raises(UserError, match=r"f\.yaml:10:1\d: ") as caught:
        parse_manifest(text.encode(), "f.yaml")
    assert caught.value.problems[0].code == "yaml-key"


def test_one_in_the_only_document_stops_the_reading() -> None:
    with pytest.raises(UserError, match="double braces") as caught:
        parse_manifest(b"model-car:\n- {{ a }}\n", "f.yaml")
    assert "fill the template" in str(caught.value.problems[0].fix)


def test_nothing_inside_such_a_key_is_shown() -> None:
    shown = masked_text(SERVES + SECRET)
    assert "BEE_TOKEN" not in shown and shown.count("\n") == (SERVES + SECRET).count("\n")
