"""A model's page, the table and the header, of a run on objects of Kubernetes."""

from __future__ import annotations

import msgspec
import pytest

from modelcar_tui.core.errors import Problem
from modelcar_tui.supervisor.state import RunState
from modelcar_tui.tui.faces.banner import _own_releases
from modelcar_tui.tui.faces.models import ModelGroup, ModelRow, arrange_models, groupings, model_rows
from modelcar_tui.tui.faces.page import page_rows
from modelcar_tui.tui.faces.results import configuration_rows
from modelcar_tui.tui.glyphs import UNICODE
from modelcar_tui.tui.patterns import parse_filter
from modelcar_tui.tui.rows import Row, spans_width
from support.kube_run import kube_run


@pytest.fixture(scope="module")
def run() -> RunState:
    return kube_run()


def text(line: Row) -> str:
    return "".join(part for part, _ in line.spans)


def page(run: RunState, name: str, cells: int = 200) -> list[str]:
    one = next(row for row in model_rows(run) if row.name == name)
    return [text(line).rstrip() for line in page_rows(run, one, cells, UNICODE)]


def test_a_page_says_object_source_runtime_and_whose_arguments(run: RunState) -> None:
    rows = page(run, "llama")
    assert "serves     InferenceService in chat; 2 replicas" in rows[:4]
    assert "source     hf://meta-llama/Llama-3.3-70B-Instruct" in rows
    assert "runtime    ServingRuntime vllm-cuda, image quay.io/x/vllm-openai:v0.10.1, vLLM 0.10.1" in rows
    assert "a pod asks 1 nvidia.com/gpu, 8 CPUs, 32 GiB of RAM" in rows
    passed = "--port=8080  --model=/mnt/models  --max-num-seqs=200"
    assert f"arguments  from ServingRuntime vllm-cuda, before its own: {passed}" in rows
    assert "own        --max-model-len=8192" in rows
    assert not any(line.startswith(("image size", "runs on", "gpu_count", "image ")) for line in rows)


def test_prefill_and_decode_name_each_other(run: RunState) -> None:
    pair = "LLMInferenceService in pairs"
    assert f"serves     {pair}; 3 replicas; prefill is qwen/prefill: 1 replica, 1 GPU a pod" in page(
        run, "qwen"
    )
    told = f"serves     prefill of an {pair}; decode is qwen: 3 replicas, 1 GPU a pod"
    assert told in page(run, "qwen/prefill")


def test_what_is_not_clear_stands_on_the_page_unless_the_reason_says_it(run: RunState) -> None:
    assert not any(line.startswith("not clear") for line in page(run, "piped"))
    one = next(row for row in model_rows(run) if row.name == "llama")
    assert one.read is not None
    doubt = Problem(what="a loop\x1b[2J", fix="write it out", code="x")
    car = msgspec.structs.replace(one.read.car, open=(doubt,))
    row = msgspec.structs.replace(one, read=msgspec.structs.replace(one.read, car=car))
    told = [text(line) for line in page_rows(run, row, 100, UNICODE)]
    (line,) = [line for line in told if line.startswith("not clear")]
    assert "a loop" in line and line.rstrip().endswith("; write it out") and "\x1b" not in line


@pytest.mark.parametrize("cells", [36, 56, 76, 116, 196])
def test_a_page_fits(run: RunState, cells: int) -> None:
    mine = ("serves", "source", "runtime", "a pod asks", "arguments", "own", "env")
    for one in model_rows(run):
        rows = [line for line in page_rows(run, one, cells, UNICODE) if text(line).startswith(mine)]
        assert len(rows) >= 5 and all(spans_width(line.spans) <= cells for line in rows)


def test_the_configuration_says_where_weights_lie_that_have_no_image(run: RunState) -> None:
    rows = [text(line) for line in configuration_rows(run, 100, UNICODE)]
    assert all(line.split()[2] == "hf" for line in rows[1:])


def test_models_are_grouped_and_found_by_namespace_and_kind(run: RunState) -> None:
    rows = model_rows(run)
    assert groupings(rows) == ("", "reason", "verdict", "GPU", "namespace")
    groups = [one for one in arrange_models(rows, "namespace", None) if isinstance(one, ModelGroup)]
    assert {one.title: {row.name for row in one.rows} for one in groups} == {
        "chat": {"llama", "piped"},
        "pairs": {"qwen", "qwen/prefill"},
    }
    found = arrange_models(rows, "", parse_filter("in pairs"))
    assert {one.name for one in found if isinstance(one, ModelRow)} == {"qwen", "qwen/prefill"}
    chat = [row for row in rows if row.name in ("llama", "piped")]
    assert "namespace" not in groupings(chat)


def test_the_header_has_the_manifest_s_own_releases(run: RunState) -> None:
    assert run.cluster is not None and run.manifest is not None
    assert _own_releases(run.manifest, run.cluster) == ("vLLM: 2 releases",)
    one = msgspec.structs.replace(run.manifest, models=run.manifest.models[:2])
    assert _own_releases(one, run.cluster) == ("vLLM 0.10.1 and ? (manifest's)", "vLLM 0.10.1 and ?")
    assert _own_releases(None, run.cluster) == ()
