"""Twenty questions of operators, answered by a played model that returns ids over both protocols."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from modelcar_tui.core.secrets import Secret
from modelcar_tui.supervisor.answers.parts import THEIR_CANNOT
from modelcar_tui.supervisor.events import QuestionAnswered
from modelcar_tui.supervisor.llm.ask import Asker
from modelcar_tui.supervisor.llm.client import Client
from modelcar_tui.supervisor.llm.config import PROVIDERS, Choice
from modelcar_tui.supervisor.llm.provider import build
from support.llm_server import LlmServer
from support.played import Choose, Seen, answer, played, say, tried
from support.scenarios import VLLM, G, L, Q, finished

NEED, LEFT = "memory that one GPU must have", "memory left for the KV cache"
CHANGE, WITH = "proposed change", "verdict with all proposed changes"


def facts(*what: str, **fields: Any) -> Choose:
    def choose(seen: Seen) -> str:
        own = {"model": seen.model} if seen.model else {}
        return answer(say(*[one for name in what for one in seen.ids(name, **{**own, **fields})]))

    return choose


def what_if(**given: Any) -> Choose:
    def choose(seen: Seen) -> str:
        if not seen.turn:
            gpu = {"gpu": seen.gpu} if given.get("gpus") else {}
            return tried(model=seen.model, **{**given, **gpu})
        return answer(
            say(*seen.ids("verdict", of_what_if="what-if-1"), *seen.ids(LEFT, of_what_if="what-if-1"))
        )

    return choose


def cannot(*near: str) -> Choose:
    def choose(seen: Seen) -> str:
        ids = [one for name in near for one in seen.ids(name, model=seen.model)]
        return answer({"do": "cannot", "how": None, "ids": ids})

    return choose


def bad(seen: Seen) -> str:
    blocked = [row["model"] for row in seen.rows if row["is"] == "verdict" and row["value"] == "NO-GO"]
    return answer(say(*[one for name in blocked for one in seen.ids("what would help it", model=name)]))


QUESTIONS: list[tuple[str, Choose, str]] = [
    ("why is it NO-GO?", bad, f"{L} is NO-GO: the weights need 131.45 GiB"),
    (
        f"why is {L} NO-GO on L40S?",
        facts("GPUs with which it starts on that kind"),
        f"On L40S 45 GiB {L} is refused",
    ),
    (
        "which GPU would do?",
        facts("kinds of GPU that serve it"),
        f"None of this run's kinds of GPU serves {L}",
    ),
    (
        f"what if I halve the context of {G}?",
        what_if(max_model_len=1024),
        f"With --max-model-len=1024 {G} would be GO",
    ),
    (
        f"what if I give {L} 4 GPUs?",
        what_if(tensor_parallel_size=4),
        f"With --tensor-parallel-size=4 {L} would be GO",
    ),
    ("how much VRAM does granite need?", facts(NEED), f"{G} needs 17.92 GiB on one GPU"),
    (
        "what is the longest context for the w4a16 llama on one L40S?",
        facts("longest context that fits"),
        f"{Q} could serve a context of up to 131,072 tokens",
    ),
    ("does everything fit at the same time?", facts("models that run at the same time"), "only 4 of 5 fit"),
    ("what will you change in my manifest?", facts("proposed changes", CHANGE), "8 changes are proposed"),
    ("is it safe to accept all the changes?", facts(WITH), "With the 8 proposed changes it would be GO"),
    (
        "why does the configuration pane say 16.74 GiB for granite and the verdict 18 GiB?",
        facts("weights and 10 %, all its GPUs together", NEED),
        "The Configuration pane counts 16.74 GiB",
    ),
    (
        "what happens if I set gpu-memory-utilization to 0.95 for granite?",
        what_if(gpu_memory_utilization=0.95),
        f"With --gpu-memory-utilization=0.95 {G} would be GO",
    ),
    (
        "can I run whisper on a T4?",
        what_if(gpus=1),
        "on 1 x Tesla-T4 whisper-large-v3-turbo-quantized.w4a16 would be NO-GO",
    ),
    (
        "how many GPUs do I need in total?",
        facts("GPUs that all models ask for"),
        "ask for 5 GPUs in all, 8 GPUs",
    ),
    ("how many GPUs are free?", facts("free GPUs"), "4 of 4 GPUs free"),
    ("what vLLM version did you assume?", facts("vLLM release"), "vLLM 0.11.2 is taken"),
    ("did QA pass?", facts("outcome of QA"), "QA: QA_SKIPPED:NOT_WANTED"),
    ("how long will the 70B take to load?", cannot("size of the weights"), THEIR_CANNOT),
    (
        "why tensor-parallel-size 4?",
        facts(CHANGE, flag="--tensor-parallel-size"),
        "--tensor-parallel-size=4: goes with",
    ),
    (
        "what's the smallest change that makes it GO?",
        facts(CHANGE, need="required"),
        "(required): gpu_count 1 -> 4",
    ),
]


@pytest.fixture(scope="module", params=["gemini", "openai"])
def server(request: pytest.FixtureRequest) -> Iterator[LlmServer]:
    with LlmServer(dialect=request.param) as server:
        yield server


async def asked(server: LlmServer, question: str, choose: Choose) -> QuestionAnswered:
    server.say = played(choose)
    server.requests.clear()
    choice = Choice(provider=PROVIDERS[server.dialect], name="played", url=server.url)
    client = Client(build(choice, Secret("a-key-0123456789")))
    return await Asker(finished("base-l40s"), client=client, vllm=VLLM).answer(question)


@pytest.mark.parametrize(("question", "choose", "told"), QUESTIONS, ids=[row[0] for row in QUESTIONS])
async def test_a_played_model_answers_directly(
    server: LlmServer, question: str, choose: Choose, told: str
) -> None:
    found = await asked(server, question, choose)
    assert found.by == "model", found.why
    assert told in found.text
    names = [name for name in (G, L, Q) if name in question]
    for name in names:
        first = next(line for line in found.text.splitlines() if name in line)
        assert " is " in first or "would be" in first or first.startswith("Proposed"), (
            "its verdict comes first"
        )
    sent = " ".join(request.text for request in server.requests)
    assert not [name for name in (*names, "granite", "llama", "L40S", "Tesla", "what-if-inv") if name in sent]


async def test_a_what_if_that_was_not_asked_for_says_its_terms(server: LlmServer) -> None:
    """The false GO: a what-if on other GPUs, told as the answer to whether the model is GO as it is."""

    def choose(seen: Seen) -> str:
        if not seen.turn:
            return tried(model=seen.model, gpu=seen.gpu, gpus=8, tensor_parallel_size=8, max_model_len=1024)
        return answer(say(*seen.ids("verdict", of_what_if="what-if-1")))

    found = await asked(server, f"is {L} GO on the L40S, can I accept it as it is?", choose)
    assert found.text.splitlines()[0].startswith(
        f"With --tensor-parallel-size=8 --max-model-len=1024 on 8 x L40S {L} would be GO "
        "(this run, as it is: NO-GO)"
    )


@pytest.mark.parametrize(
    "reply",
    [
        "It is GO.",
        answer(say("f9999")),
        answer(say()),
        answer(),
        '{"parts": [{"do": "say", "ids": ["f1"], "text": "press A"}]}',
        '{"parts": [{"do": "tell", "ids": ["f1"]}]}',
        '{"parts": "f1"}',
        answer({"do": "calc", "how": "sum", "ids": ["f1", "f2"]}),
        tried(model="llama", max_model_len=4096),
        tried(model="model-1", gpu="H200"),
        '{"what_if": [{"model": "model-1", "max_model_len": "4096; rm"}], "parts": []}',
        '{"what_if": [{"model": "model-1", "max_model_len": 1e308}], "parts": []}',
    ],
)
async def test_what_can_not_be_said_is_sent_back_once_and_then_the_rules_answer(
    server: LlmServer, reply: str
) -> None:
    found = await asked(server, "how many GPUs are free?", lambda seen: reply)
    assert found.by == "tools" and found.why.startswith("no answer of the language model")
    assert found.text.startswith("There are 4 usable GPUs") and len(server.requests) == 2
    assert "REFUSED" in server.requests[-1].text
    assert "press A" not in found.text + found.why


async def test_a_repaired_answer_is_taken(server: LlmServer) -> None:
    def choose(seen: Seen) -> str:
        return facts("free GPUs")(seen) if "REFUSED" in seen.human else answer(say("f9999"))

    found = await asked(server, "how many GPUs are free?", choose)
    assert found.by == "model" and "4 of 4 GPUs free" in found.text


async def test_of_several_what_ifs_the_figures_are_known(server: LlmServer) -> None:
    """Also where the run itself has as many facts as go out."""

    def choose(seen: Seen) -> str:
        if not seen.turn:
            asked = [json.loads(tried(model=seen.model, gpus=count))["what_if"][0] for count in (4, 2)]
            return answer(what_if=asked)
        return answer(
            say(*seen.ids(LEFT, of_what_if="what-if-1"), *seen.ids("verdict", of_what_if="what-if-2"))
        )

    found = await asked(server, f"{L} on 4 GPUs, or on 2?", choose)
    told = found.text.splitlines()
    assert found.by == "model" and told[1].startswith(f"  Then {L} leaves ")
    assert told[2].startswith(f"With --tensor-parallel-size=2 {L} would be NO-GO")


async def test_another_model_s_fact_is_refused(server: LlmServer) -> None:
    other = lambda seen: answer(say(*seen.ids("size of the weights", model="model-5")))  # noqa: E731
    found = await asked(server, "how big are the weights of granite?", other)
    assert found.by == "tools" and "names" in found.why
    assert found.text.startswith(f"{G} is GO")


async def test_what_ifs_without_end_end(server: LlmServer) -> None:
    found = await asked(server, "loop", lambda seen: tried(model="model-1", max_model_len=4096))
    assert found.by == "tools" and "rounds" in found.why and len(server.requests) <= 4
    many = lambda seen: answer(what_if=[{"model": "model-1", "max_num_seqs": n} for n in (1, 2, 3)])  # noqa: E731
    found = await asked(server, "loop", many)
    assert found.by == "tools" and "no more what-ifs" in server.requests[-1].text


async def test_a_what_if_that_fails_is_told_without_a_word_of_ours(server: LlmServer) -> None:
    def choose(seen: Seen) -> str:
        return tried(model="model-1", gpu="gpu-1", gpus=10**9) if not seen.turn else answer(say("f1"))

    found = await asked(server, "what if I had many GPUs?", choose)
    assert found.by == "model" and "can not be tried" in server.requests[-1].text


async def test_the_reply_is_asked_for_under_a_schema_of_this_run_s_ids(server: LlmServer) -> None:
    await asked(server, "how many GPUs are free?", facts("free GPUs"))
    body = server.requests[0].text
    assert '"enum": ["f1", "f2"' in body and '"enum": ["model-1"' in body
