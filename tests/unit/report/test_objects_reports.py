"""Reports of a run on objects of Kubernetes: what is served, from where, by the words that the file has."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import msgspec
import pytest

from modelcar_tui.report import FORMS, facts_of, html_page, junit, markdown, plain, render
from modelcar_tui.supervisor import outcome_of, unknowns
from modelcar_tui.supervisor.state import RunState
from modelcar_tui.verdict import Verdict
from support.kube_run import kube_run
from support.reporting import HOSTILE, hostile

SERVED = {
    "llama": "InferenceService in chat, 2 replicas, hf://meta-llama/Llama-3.3-70B-Instruct",
    "qwen": "LLMInferenceService in pairs, 3 replicas, hf://Qwen/Qwen3-8B",
    "qwen/prefill": "prefill of an LLMInferenceService in pairs, hf://Qwen/Qwen3-8B",
    "piped": "Deployment in chat, hf://Qwen/Qwen3-8B",
}


@pytest.fixture(scope="module")
def run() -> RunState:
    return kube_run()


@pytest.mark.parametrize("form", sorted(set(FORMS) - {"json"}))
def test_no_report_has_words_that_the_file_does_not(run: RunState, form: str) -> None:
    # What machines read under the documented keys has the predecessor's names.
    told = re.sub(r'(&quot;|&#34;|")gpu_count(&quot;|&#34;|")', "", render(run, form).decode())
    assert "gpu_count" not in told and not re.search("model-car\\b", told, re.IGNORECASE)
    assert "nvidia.com/gpu" in told


def test_the_text_says_kind_namespace_and_source(run: RunState) -> None:
    told = plain(run)
    assert "- llama: InferenceService in chat, hf://meta-llama/Llama-3.3-70B-Instruct, ~70.6 billion" in told
    assert "- qwen/prefill: prefill of an LLMInferenceService in pairs, hf://Qwen/Qwen3-8B, " in told
    assert "- [x] Read the manifest: 4 models" in told and "Look the models up" in told
    assert "image size" not in told and "architecture unknown" not in told
    assert "guessed from the public model of that name" in told and "Red Hat's catalog" not in told
    assert "next: accept: set nvidia.com/gpu 4, add --tensor-parallel-size=4" in told
    assert "@@ InferenceService llama" in told


def test_markdown_has_a_column_of_what_is_served(run: RunState) -> None:
    told = markdown(run)
    assert told.startswith("# Serving report: all.yaml")
    table = told.partition("## Models")[2].partition("## ")[0].splitlines()
    rows = {line.split(" | ")[0].strip("| "): line.split(" | ")[1] for line in table if " | " in line}
    for name, said in SERVED.items():
        assert rows[name].replace("<!---->", "") == said


def test_html_and_junit_say_it_too(run: RunState) -> None:
    page = html_page(run)
    cases = {
        case.get("name"): case.findtext("system-out") or ""
        for case in ET.fromstring(junit(run)).iter("testcase")
        if case.get("classname") == "modelcar-tui.verdict"
    }
    for name, said in SERVED.items():
        assert f"<bdi>{said}</bdi>" in page
        assert f"serves: {said}" in cases[name].splitlines()


@pytest.mark.parametrize("payload", ["tag", "attribute", "control", "bidi", "template", "lines"])
def test_names_from_the_file_stay_text(run: RunState, payload: str) -> None:
    state = hostile(run, HOSTILE[payload])
    page, told = html_page(state), plain(state)
    assert "<script>alert" not in page and "onmouseover='x' a=\"" not in page and "\u202e" not in page
    assert "\x1b" not in told and "\u202e" not in told


def test_what_is_not_known_names_the_models_whose_image_nobody_knows(run: RunState) -> None:
    told = unknowns(run, outcome_of(run))
    assert "Which runtime image will serve 2 models." in told
    assert not any("VLLM_RUNTIME_IMAGE" in one for one in told)


def test_what_the_script_leaves_open_is_unknown_with_what_settles_it(run: RunState) -> None:
    assert run.decision is not None
    piped = next(one for one in run.decision.models if one.model == "piped")
    assert piped.verdict is Verdict.UNKNOWN
    assert piped.why.startswith("the argument ${NOBODY_KNOWS} of --max-model-len is not known")
    assert piped.settle == "write its value out, or as a variable of the container"
    assert not [change for change in run.decision.plan.changes if change.model == "piped"]


def test_the_facts_of_the_plan_call_the_count_as_the_file_does(run: RunState) -> None:
    labels = [known.label for known in facts_of(run, "plan")]
    assert "set nvidia.com/gpu, required" in labels


def test_a_plan_of_a_model_car_has_no_name_of_a_count(run: RunState) -> None:
    assert run.decision is not None
    count = next(one for one in run.decision.plan.changes if one.flag == "gpu_count")
    assert (count.called, count.counts) == ("nvidia.com/gpu", "nvidia.com/gpu")
    plain_one = msgspec.structs.replace(count, counts=msgspec.UNSET)
    assert plain_one.called == "gpu_count" and b"counts" not in msgspec.json.encode(plain_one)
