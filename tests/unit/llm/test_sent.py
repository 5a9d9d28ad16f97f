"""What leaves the machine: typed values under pseudonyms; no names, places, people or sentences."""

from __future__ import annotations

import getpass
import json
import re
import socket
from typing import Any

import msgspec
import pytest

from modelcar_tui.cluster.types import AcceleratorReport
from modelcar_tui.hardware import product_named
from modelcar_tui.kube.types import Access, Rung
from modelcar_tui.supervisor.answers import STATEMENTS, RunFact, run_facts
from modelcar_tui.supervisor.llm.answer import answer_schema
from modelcar_tui.supervisor.llm.ask import shown
from modelcar_tui.supervisor.llm.pseudonyms import Pseudonyms
from modelcar_tui.supervisor.llm.sent import MOST_BYTES, MOST_FACTS, MOST_TRIED, Sent, in_order
from modelcar_tui.supervisor.state import RunState
from support.scenarios import SCENARIOS, VLLM, G, L, Q, finished

BASE = "base-l40s"


def rows(facts: list[RunFact], state: RunState | None = None) -> list[dict[str, Any]]:
    return [json.loads(row) for row in Sent(Pseudonyms(state or finished(BASE))).add(facts)]


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_no_name_and_no_sentence_of_a_run_is_sent(scenario: str) -> None:
    state = finished(scenario)
    text = shown(state, "why?", vllm=VLLM)
    for model in state.models:
        assert model.car.name not in text and model.car.image not in text
    for node in state.cluster.inventory.nodes if state.cluster else ():
        assert node.name not in text and str(node.product) not in text
    assert state.path not in text and "registry" not in text
    told = [fact.told for fact in run_facts(state) if len(fact.told) > 12]
    assert told and not [sentence for sentence in told if sentence in text]


def test_every_measure_is_sent_as_what_it_is() -> None:
    for measure in STATEMENTS:
        [row] = rows([RunFact(id="x", measure=measure, value=7, unit="GiB", told="secret words")])
        assert row == {"id": "f1", "is": STATEMENTS[measure].noun, "value": 7, "unit": "GiB"}


@pytest.mark.parametrize(
    ("fact", "value"),
    [
        (RunFact(id="x", measure="quantization", value="w4a16"), "w4a16"),
        (RunFact(id="x", measure="quantization", value="QUANT-CANARY"), "other"),
        (RunFact(id="x", measure="argument", flag="--kv-cache-dtype", value="fp8"), "fp8"),
        (RunFact(id="x", measure="argument", flag="--kv-cache-dtype", value="KVSECRET_CANARY_2"), "other"),
        (RunFact(id="x", measure="vllm", value="0.11.2"), "0.11.2"),
        (RunFact(id="x", measure="vllm", value="0.11.2+acme.CANARY"), "other"),
        (RunFact(id="x", measure="qa", value="QA_ERROR:CUDA_OOM"), "QA_ERROR:CUDA_OOM"),
        (RunFact(id="x", measure="qa", value="anything else"), "other"),
        (RunFact(id="x", measure="verdict", value="NO-GO"), "NO-GO"),
    ],
)
def test_a_word_goes_out_only_where_it_is_one_of_a_closed_list(fact: RunFact, value: str) -> None:
    assert rows([fact])[0]["value"] == value


def test_an_argument_that_vllm_does_not_know_is_not_named() -> None:
    sent = [
        RunFact(id=flag, measure="argument", flag=flag, value=True)
        for flag in ("--max-model-len", "--acme-CANARY", "gpu_count")
    ]
    assert [row["flag"] for row in rows(sent)] == ["--max-model-len", "another argument", "gpu_count"]


def test_what_is_not_known_is_null_and_a_reason_is_not_there() -> None:
    assert rows([RunFact(id="x", measure="copies", unit="copies")])[0]["value"] is None
    assert "value" not in rows([RunFact(id="x", measure="help", told="set it")])[0]


@pytest.mark.parametrize(
    ("question", "sent"),
    [
        (f"why is {L} NO-GO on L40S?", "why is model-5 NO-GO on gpu-1 ?"),
        ("the 70B on 2 H200s?", "the model-5 on 2 gpu-2 ?"),
        ("the w4a16 llama with 32k tokens at 0.95?", "the model-2 with 32k tokens at 0.95?"),
        ("is llama GO?", "is model-2/model-5 GO?"),
        ("set --max-model-len=4096, fp8 kv cache", "set --max-model-len=4096, fp8 kv cache"),
        ("set gpu-memory-utilization to 90%", "set gpu-memory-utilization to 90%"),
        ("did jdoe@acme.example or node-7.acme.lan say so?", "did (name) or (name) say so?"),
        ("what of payroll/frontend and/or ns/Payroll?", "what of (name) and/or (name)?"),
        ("is /root/secret.yaml or https://x.y/z read?", "is (name) or (name) read?"),
        ("is acme-payroll-llm on gpu-node-CANARY12 ok?", "is (name) on (name) ok?"),
        (
            "what of --acme-flag=CANARY and --kv-cache-dtype=CANARY_2",
            "what of (name) and --kv-cache-dtype=(name)",
        ),
        ("10.1.2.3:6443 or 127.0.0.1?", "(name) or (name)?"),
        ("hf_CANARY5aaaaaaaaaaaaaaaaaaaaaaa", "(name)"),
        ("what about myNamespace and CamelCase", "what about (name) and (name)"),
        ("is model-1 or gpu-7 of node-3 ok?", "is (name) or (name) of (name) ok?"),
        ("card 4111111111111111, --seed=123456789012", "card (name), --seed=(name)"),
    ],
)
def test_a_question_goes_out_without_names(question: str, sent: str) -> None:
    told = Pseudonyms(finished(BASE)).hide(question)
    assert told.replace(" ?", "?") == sent.replace(" ?", "?")


def test_who_we_are_is_hidden_even_where_it_is_a_plain_word() -> None:
    access = Access(
        rung=Rung.OK,
        user="jdoe",
        context="payroll/api-acme:6443/jdoe",
        server="https://api.acme.example:6443",
    )
    state = msgspec.structs.replace(
        finished(BASE), cluster=AcceleratorReport(access=access, inventory=_inventory())
    )
    names = Pseudonyms(state)
    for written in ("jdoe\u2019s", "JDOEs", "jdoe/acme", "why/jdoe", "Jdoe", "acme\u2019s"):
        assert names.hide(f"is {written} ok") == "is (name) ok"
    hidden = names.hide(
        f"may jdoe of acme use payroll here as {getpass.getuser()} on {socket.gethostname()}?"
    )
    assert "jdoe" not in hidden and "acme" not in hidden and "payroll" not in hidden
    assert not re.search(rf"\b{re.escape(getpass.getuser())}\b", hidden)
    assert hidden.startswith("may (name) of (name) use (name) here as (name)")


def test_a_manifest_called_as_everything_is_hides_no_word() -> None:
    state = msgspec.structs.replace(finished(BASE), path="/x/models-prod.base.yaml")
    assert Pseudonyms(state).hide("which models are GO?") == "which models are GO?"


def test_a_schema_of_a_run_without_models_has_no_empty_list() -> None:
    assert '"enum": []' not in json.dumps(answer_schema((), (), ()))


def _inventory() -> Any:
    cluster = finished(BASE).cluster
    assert cluster is not None
    return cluster.inventory


def test_pseudonyms_are_put_back_and_mean_one() -> None:
    names = Pseudonyms(finished(BASE))
    assert [names.real(one, "model") for one in names.known("model")] == [
        m.car.name for m in finished(BASE).models
    ]
    assert names.of("model", G) == "model-1" == names.of("model", G)
    assert names.gpu("L40S 45 GiB") == names.gpu("L40S") == "gpu-1"
    assert names.real("model-99", "model") is None and names.of("node", "") == ""
    assert (names.real("gpu-1", "model"), names.real("model-1", "gpu")) == (None, None)


def test_of_many_facts_those_that_matter_go_out_first_and_there_is_an_end() -> None:
    facts = [
        RunFact(id=f"model/m{number}/{what}", measure=what, model=f"m{number}", value=1, unit="GiB")
        for number in range(100)
        for what in ("weights", "verdict")
    ]
    facts.append(RunFact(id="verdict", measure="run_verdict", value="GO"))
    ordered = in_order(facts, ["m7"])
    assert ordered[0].id == "verdict" and {one.model for one in ordered[1:3]} == {"m7"}
    assert {one.measure for one in ordered[3:102]} == {"verdict"}
    sent = Sent(Pseudonyms(RunState()))
    added = sent.add(ordered)
    assert len(added) == len(sent.ids) == MOST_FACTS and sum(map(len, added)) <= MOST_BYTES
    assert sent.add(ordered[:1]) == [], "a fact goes out once"
    tried = RunFact(id="what-if-1/verdict", measure="verdict", model="m1", value="GO", which="what-if-1")
    assert len(sent.add([tried])) == 1, "a what-if that was asked for finds room"


def test_a_what_if_has_room_however_many_facts_the_run_has() -> None:
    sent = Sent(Pseudonyms(RunState()))
    many = [RunFact(id=str(number), measure="weights", value=1) for number in range(MOST_FACTS + 50)]
    assert len(sent.add(many[:-50])) == MOST_FACTS
    assert len(sent.add(many[-50:], MOST_TRIED)) == MOST_TRIED


def test_a_name_of_several_cards_goes_out_as_each_of_them() -> None:
    names = Pseudonyms(finished(BASE))
    hidden = names.hide("is the 70B fine on 2 H100s?")
    assert re.fullmatch(r"is the model-5 fine on 2 (gpu-\d/)+gpu-\d \?", hidden)
    real = [names.real(one, "gpu") for one in re.findall(r"gpu-\d", hidden)]
    assert real and all(product_named(one) is not None for one in real), real


def test_show_facts_shows_the_whole_of_it() -> None:
    text = shown(finished(BASE), f"is {Q} fine?", vllm=VLLM)
    assert "QUESTION: is model-2 fine?" in text and '"is":"verdict"' in text and "--- schema ---" in text
