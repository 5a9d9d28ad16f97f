"""A Kubernetes object's arguments are judged by the release that its own image tells."""

from __future__ import annotations

import pytest

from modelcar_tui import lint

_POD = """\
apiVersion: v1
kind: Pod
metadata: {{name: p}}
spec:
  containers:
  - name: vllm
    image: vllm/vllm-openai:{tag}
    args: [--model=org/m, {argument}]
    resources: {resources}
"""
_ONE = "{limits: {nvidia.com/gpu: 1}}"


def _codes(tag: str, argument: str, vllm: str | None = None, resources: str = _ONE) -> list[str]:
    text = _POD.format(tag=tag, argument=argument, resources=resources)
    return [one.code for one in lint(text.encode(), vllm=vllm).findings if one.severity == "error"]


@pytest.mark.parametrize(
    ("tag", "vllm", "codes"),
    [
        ("v0.11.0", None, []),
        ("v0.18.0", None, ["flag-removed"]),
        ("latest", None, ["flag-removed"]),
        ("v0.18.0", "0.11.0", []),
    ],
)
def test_the_images_release_judges_unless_one_is_stated(tag: str, vllm: str | None, codes: list[str]) -> None:
    assert _codes(tag, "--swap-space=4", vllm) == codes


def test_a_flag_that_the_images_release_has_not_yet_is_found() -> None:
    assert _codes("v0.8.5", "--stream-interval=4") == ["flag-too-new"]


def test_amounts_that_kubernetes_refuses_are_an_error() -> None:
    assert _codes("v0.11.0", "--seed=1", resources="{requests: {nvidia.com/gpu: 1}}") == ["amounts-refused"]
