"""Which object a hunk of the text diff says that it is in; words of a script that only its shell knows."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import pytest

from modelcar_tui.manifest import Change, Operation, Plan, read_manifest, text_hunks

_DEPLOYMENT = """\
- apiVersion: apps/v1
  kind: Deployment
  metadata: {{name: {name}}}
  spec:
    template:
      spec:
        containers:
        - image: vllm/vllm-openai:v0.10.1
          name: vllm
          command: {command}
          resources: {{limits: {{nvidia.com/gpu: 1}}}}
          args:
          - {args}
"""


def _list(*names: str) -> bytes:
    items = (_DEPLOYMENT.format(name=name, command="[vllm, serve, o/m]", args="--a=1") for name in names)
    return ("apiVersion: v1\nkind: List\nitems:\n" + "".join(items)).encode()


def _hunks(base: bytes, *models: str) -> list[str]:
    changes = tuple(
        Change(id=f"{m}/--b", model=m, operation=Operation.ADD, flag="--b", new="--b=2", reason="r")
        for m in models
    )
    plan = Plan(base="x.yaml", base_sha256=sha256(base).hexdigest(), target="y.yaml", changes=changes)
    return [hunk.header for hunk in text_hunks(base, plan)]


def test_what_is_added_at_the_end_of_an_object_is_said_to_be_in_it() -> None:
    headers = _hunks(_list("first", "second"), "first", "second")
    assert [header.partition("@@ ")[2].partition("@@ ")[2] for header in headers] == [
        "Deployment first",
        "Deployment second",
    ]


def test_a_list_of_model_cars_has_plain_headers() -> None:
    base = (
        b"model-car:\n- name: m\n  image: oci://quay.io/x/m:1\n  serving_arguments:\n    args:\n    - --a=1\n"
    )
    assert _hunks(base, "m") == ["@@ -4,3 +4,4 @@"]


@pytest.mark.parametrize(
    ("script", "args"),
    [
        ("--max-model-len ${N}", ("--max-model-len", "$(N)")),
        ("--max-model-len=$N", ("--max-model-len=$(N)",)),
        ("--max-model-len $(nproc)", ("--max-model-len", "$(nproc)")),
        ("--max-model-len $(cat /x)", ("--max-model-len", "$(SUBSTITUTION)")),
        ("--max-model-len `cat /x`", ("--max-model-len", "$(SUBSTITUTION)")),
        ("--max-model-len 8", ("--max-model-len", "8")),
    ],
)
def test_what_only_a_shell_knows_is_no_value(tmp_path: Path, script: str, args: tuple[str, ...]) -> None:
    path = tmp_path / "m.yaml"
    line = f'"exec vllm serve o/m {script}"'
    text = _DEPLOYMENT.format(name="m", command="[bash, -c]", args=line)
    path.write_text("apiVersion: v1\nkind: List\nitems:\n" + text)
    (model,) = read_manifest(path).models
    assert model.serving.args == args
    assert bool(model.open) == ("$" in script or "`" in script)


def test_a_dollar_in_a_list_is_what_vllm_gets(tmp_path: Path) -> None:
    path = tmp_path / "m.yaml"
    text = _DEPLOYMENT.format(name="m", command="[vllm, serve, o/m]", args='"--max-model-len=${N}"')
    path.write_text("apiVersion: v1\nkind: List\nitems:\n" + text)
    assert read_manifest(path).models[0].serving.args == ("--max-model-len=${N}",)
