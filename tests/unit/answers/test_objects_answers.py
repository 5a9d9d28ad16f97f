"""Questions about a run on objects of Kubernetes: what each is, who serves it, its weights' place."""

from __future__ import annotations

import pytest

from modelcar_tui.supervisor.answers import STATEMENTS, Rules, run_facts, sentence
from modelcar_tui.supervisor.llm.pseudonyms import Pseudonyms
from modelcar_tui.supervisor.llm.sent import Sent
from support.kube_run import kube_run
from support.scenarios import finished

OF_OBJECTS = ("served_as", "source", "server", "replicas", "passed", "not_clear")
ASKED = [
    ("which namespace is llama in?", "llama is an InferenceService in chat."),
    ("what kind of object is piped", "piped is a Deployment in chat."),
    (
        "where do the weights of qwen come from?",
        "The weights of qwen come from hf://Qwen/Qwen3-8B.",
    ),
    (
        "which runtime serves llama?",
        "llama is served by ServingRuntime vllm-cuda, image quay.io/x/vllm-openai:v0.10.1, vLLM 0.10.1.",
    ),
    ("how many replicas of llama?", "The manifest asks for 2 replicas of llama."),
    (
        "which arguments does the runtime pass to llama?",
        "llama gets arguments from ServingRuntime vllm-cuda, before its own: "
        "--port=8080  --model=/mnt/models  --max-num-seqs=200.",
    ),
    (
        "what is unclear of piped?",
        "Not clear of piped: the argument ${NOBODY_KNOWS} of --max-model-len is not known: nothing here sets "
        "NOBODY_KNOWS; write its value out, or as a variable of the container.",
    ),
]


@pytest.mark.parametrize(("question", "line"), ASKED, ids=[one for one, _ in ASKED])
def test_what_an_object_says_is_answered(question: str, line: str) -> None:
    assert line in Rules(kube_run()).answer(question)[0]


def test_the_change_of_a_count_is_told_by_the_file_s_name() -> None:
    told = "\n".join(Rules(kube_run()).answer("what would help llama?")[0])
    assert "nvidia.com/gpu 1 -> 4" in told and "gpu_count" not in told


def test_gpus_are_counted_over_replicas_and_their_places_together() -> None:
    facts = {fact.id: fact for fact in run_facts(kube_run())}
    asked = facts["gpus/asked"]
    assert (asked.value, asked.more["planned"]) == (2 + 3 + 1 + 1, 2 * 4 + 3 + 1 + 1)
    place = facts["model/qwen/place"]
    assert (place.value, place.node) == (3, "what-if-1")
    assert any("3 x L40S" in line for line in Rules(kube_run()).answer("which node takes qwen?")[0])


def test_every_fact_can_be_said() -> None:
    facts = run_facts(kube_run())
    assert len({fact.id for fact in facts}) == len(facts)
    assert set(OF_OBJECTS) <= {fact.measure for fact in facts}
    assert all(sentence(fact).endswith(".") for fact in facts)


def test_a_model_car_has_none_of_these_facts() -> None:
    assert not [fact for fact in run_facts(finished("single-l40s")) if fact.measure in OF_OBJECTS]


def test_no_name_of_an_object_is_sent_to_a_language_model() -> None:
    facts = [fact for fact in run_facts(kube_run()) if fact.measure in OF_OBJECTS]
    names = Pseudonyms(kube_run())
    told = "\n".join(Sent(names).add(facts))
    for word in ("chat", "pairs", "llama", "Llama", "Qwen", "vllm-cuda", "quay.io", "NOBODY_KNOWS", "hf:"):
        assert word not in told
    assert STATEMENTS["served_as"].noun in told
