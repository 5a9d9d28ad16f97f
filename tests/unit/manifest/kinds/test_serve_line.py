"""A command line of vLLM as a manifest."""

from __future__ import annotations

from typing import Any

import pytest

from modelcar_tui.core.errors import Problem
from modelcar_tui.manifest.kinds import is_serve_line, places_of
from modelcar_tui.manifest.masked import masked_text
from modelcar_tui.manifest.reader import inspect_text
from modelcar_tui.manifest.types import Manifest

LABEL = "line.txt"


def read(text: str) -> tuple[Manifest, tuple[Problem, ...]]:
    assert is_serve_line(text)
    return inspect_text(text.encode(), LABEL)


SCRIPT = """#!/bin/bash
# starts it
export VLLM_USE_V1=1
CUDA_VISIBLE_DEVICES=0,1 \\
  exec vllm serve org/model-7b \\
    --tensor-parallel-size 2 -pp=2 \\
    --override='{"a": 1}' # last
"""
DOCKER = (
    'docker run --runtime nvidia --gpus all -v ~/c:/root/c --env "HF_TOKEN=abc" -e VLLM_X=1 -p 8000:8000 -it '
    "--ipc=host --shm-size 16g vllm/vllm-openai:v0.9.1 --model org/m --max-model-len 1"
)
PODMAN = "podman run --rm --entrypoint vllm -e A=$X r.example/foo:1 serve org/m --x"
LINES: dict[str, tuple[str, str, int, list[str], dict[str, Any]]] = {
    "vllm serve org/m": ("m", "hf://org/m", 1, [], {}),
    "vllm serve org/m --served-model-name a b": ("a", "hf://org/m", 1, ["--served-model-name", "a", "b"], {}),
    "vllm serve m --data_parallel_size=4 -tp 2": (
        "m",
        "hf://m",
        8,
        ["--data_parallel_size=4", "-tp", "2"],
        {},
    ),
    "M=org/m\nvllm serve $M": ("m", "hf://org/m", 1, [], {}),
    "python3 -m vllm.entrypoints.openai.api_server --model=s3://b/m": (
        *("m", "s3://b/m", 1, ["--model=s3://b/m"], {}),
    ),
    SCRIPT: (
        *("model-7b", "hf://org/model-7b", 4),
        ["--tensor-parallel-size", "2", "-pp=2", '--override={"a": 1}'],
        {"environment": (("VLLM_USE_V1", "1"), ("CUDA_VISIBLE_DEVICES", "0,1"))},
    ),
    DOCKER: (
        *("m", "hf://org/m", 1, ["--model", "org/m", "--max-model-len", "1"]),
        {"environment": (("VLLM_X", "1"),), "image": "vllm/vllm-openai:v0.9.1", "shm_mib": 16384},
    ),
    PODMAN: ("m", "hf://org/m", 1, ["--x"], {"environment": (), "image": "r.example/foo:1"}),
    "sudo docker run vllm/vllm-openai vllm serve org/m": ("m", "hf://org/m", 1, [], {}),
}


@pytest.mark.parametrize(("text", "expected"), LINES.items())
def test_lines(text: str, expected: tuple[str, str, int, list[str], dict[str, Any]]) -> None:
    manifest, errors = read(text)
    name, image, gpus, args, server = expected
    assert (errors, manifest.shape) == ((), "line")
    (model,) = manifest.models
    assert (model.name, model.image, model.serving.gpu_count, model.open) == (name, image, gpus, ())
    assert (model.kind, list(model.serving.args)) == ("vllm serve", args)
    assert {key: getattr(model.server, key) for key in server} == server
    assert not model.serving.by_suite


@pytest.mark.parametrize("text", LINES)
def test_places(text: str) -> None:
    (model,) = read(text)[0].models
    place = places_of(text)[model.name]
    (part,) = place.parts
    assert place.grows == part.path == ()
    written = [text[start:end] for start, end in part.spans]  # type: ignore[union-attr]
    assert [one.replace("'", "") for one in written] == list(place.words)
    lines = text.split("\n")
    for at, word in zip(model.serving.args_at, written, strict=True):
        assert lines[at.line - 1][at.column - 1 :].startswith(word)
    assert text[: part.end].endswith(written[-1] if written else ("m", "$M"))  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "text",
    [
        "model-car:\n  - name: vllm serve m\n",
        "apiVersion: v1\nkind: Pod\nspec: |\n  vllm serve m\n",
        "kind : Pod\nx: |\n  vllm serve m\n",
        "---\na: |\n  vllm serve m\n",
        "- vllm serve m\n",
        '{"vllm": "serve"}',
        '[{"a": "vllm"}]',
        "vllm bench serve --model m",
        "vllm",
        "echo vllm serve m",
        "x" * 100_001 + "\nvllm serve m",
    ],
)
def test_what_is_no_line(text: str) -> None:
    assert not is_serve_line(text)


@pytest.mark.parametrize(
    ("text", "what", "at"),
    [
        ("\nvllm serve 'm", "a quote (') does not end", "2:12"),
        ("docker run vllm/vllm-openai bash -c 'vllm serve m'", "a script inside of a container's", "1:1"),
    ],
)
def test_what_can_not_be_read_is_an_error(text: str, what: str, at: str) -> None:
    manifest, errors = read(text)
    assert manifest.models == ()
    assert what in errors[0].what
    assert errors[0].where == f"{LABEL}:{at}"


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("vllm serve /models/m", "a path on the machine"),
        ("vllm serve $M", "of --model is not known"),
        ("vllm serve", "no model is named, so"),
        ("vllm serve --config /c.yaml", "the file of --config may name it"),
        ("vllm serve m $(cat args)", "only the shell knows"),
        ("VLLM_USE_MODELSCOPE=1 vllm serve m", "ModelScope"),
        ("vllm serve a/b/c", "neither a path nor the name"),
    ],
)
def test_what_is_not_known_is_open(text: str, what: str) -> None:
    (model,) = read(text)[0].models
    assert [what in problem.what for problem in model.open] == [True]


def test_secrets_are_told_nowhere() -> None:
    given = "HF_TOKEN=clear-one docker run -e HF_TOKEN=clear-two"
    text = f"{given} vllm/vllm-openai --model m \\\n --api-key clear-three"
    manifest, errors = read(text)
    told = f"{manifest} {errors} {masked_text(text)}"
    assert "clear-" not in told
    assert masked_text(text).count("\n") == text.count("\n")
