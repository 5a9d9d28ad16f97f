"""One template a measure: each with its sentence, known, unknown and guessed."""

from __future__ import annotations

import msgspec
import pytest

from modelcar_tui.memory import Outcome
from modelcar_tui.supervisor.answers import STATEMENTS, RunFact, run_facts, sentence
from modelcar_tui.supervisor.answers.statements import amount, subject
from modelcar_tui.supervisor.answers.topics import by_topic
from modelcar_tui.supervisor.answers.understood import taken_apart
from support.scenarios import SCENARIOS, finished
from support.trials import start_of


def fact(measure: str, value: object = None, unit: str = "", **fields: object) -> RunFact:
    return RunFact(id="x", measure=measure, value=value, unit=unit, **fields)  # type: ignore[arg-type]


SAID: list[tuple[RunFact, str]] = [
    (
        fact(
            "measured",
            "starts",
            model="m",
            gpu="L40S",
            told="vLLM 0.13.0 on 2026-11-28",
            more={"exact": True, "dummy": True, "gpus": 2, "predicted": "oom_load"},
        ),
        "Measured on 2 x L40S with vLLM 0.13.0 on 2026-11-28, with dummy weights: m starts "
        "(predicted: out of memory while loading).",
    ),
    (
        fact("measured", "died", model="m", gpu="L40S", told="vLLM 0.13.0 on 2026-11-28", more={"gpus": 1}),
        "Measured on 1 x L40S with vLLM 0.13.0 on 2026-11-28: m did not start: ended before it served; "
        "its arguments were others, so only parts of it count here.",
    ),
    (fact("copies", 0, "copies", model="m"), "The free GPUs take no copy of m as it is."),
    (fact("written", 0, "changes"), "Nothing was written."),
    (
        fact("written", 1, "changes", told="m.yaml"),
        "m.yaml was written with 1 change.",
    ),
    (
        fact("run_time", 12.5, "s", told="2026-11-30 18:20 UTC"),
        "The run began 2026-11-30 18:20 UTC and took 12.5 s.",
    ),
    (fact("run_time", told="2026-11-30 18:20 UTC"), "The run began 2026-11-30 18:20 UTC; it has not ended."),
    (
        fact("without", 3, "models", told="m", more={"of": 4, "gpus": 5}),
        "Without m, 3 of the 4 other models are GO as this run stands; they ask for 5 GPUs in all.",
    ),
    (
        fact("without", 1, "models", told="m", more={"of": 1, "gpus": 1}),
        "Without m, the other model is GO as this run stands; it asks for 1 GPU in all.",
    ),
    (fact("without_together", told="together they fit (4 of 4)"), "Of these, together they fit (4 of 4)."),
    (
        fact("changed", "GO", model="m", told="it fits", stands="NO-GO"),
        "With the proposed changes m would be GO (this run, as it is: NO-GO): it fits.",
    ),
    (fact("run_verdict", "NO-GO", told="NO-GO: m: too big"), "This run says NO-GO: m: too big."),
    (fact("run_help", told="set gpu_count 4"), "What would help: set gpu_count 4."),
    (
        fact("models_with", 4, "models", more={"of": 5, "verdict": "GO"}, told="a, b, c, d"),
        "4 of 5 models are GO: a, b, c, d.",
    ),
    (fact("models_with", 1, "models", more={"of": 1, "verdict": "GO"}, told="a"), "1 of 1 model is GO: a."),
    (fact("models", 5, "models"), "The manifest lists 5 models."),
    (
        fact("changes", 1, "changes", more={"required": 0}),
        "1 change is proposed, it is not required.",
    ),
    (
        fact("changes", 8, "changes", more={"required": 2, "written": 1}),
        "8 changes were proposed, 2 of them required; 1 was written.",
    ),
    (
        fact("change", model="m", told="a -> b: it fits", more={"need": "required", "fate": "written"}),
        "Written for m (required): a -> b: it fits.",
    ),
    (
        fact("runs_on", 0, "kinds", model="m", more={"unsure": True}),
        "None of this run's kinds of GPU is known to serve m as it is.",
    ),
    (
        fact("gpu_count", 4, "GPUs", model="m", source="generated manifest"),
        "The generated manifest gives m 4 GPUs.",
    ),
    (fact("changes", 0, "changes", more={"required": 0}), "No change is proposed."),
    (
        fact("changes", 3, "changes", more={"required": 1, "marked": 1}),
        "3 changes are proposed, 1 of them required; 1 suggested by the language model.",
    ),
    (
        fact("change", model="m", told="--a=1 -> --a=2: it fits", more={"need": "required"}),
        "Proposed for m (required): --a=1 -> --a=2: it fits.",
    ),
    (
        fact(
            "change", model="m", told="--a=1 -> --a=2: better", more={"need": "improvement"}, source="model"
        ),
        "Proposed for m (suggested by the language model): --a=1 -> --a=2: better.",
    ),
    (
        fact("with_changes", "GO", more={"changes": 2}, told="each model alone; only 1 of 2 fit"),
        "With the 2 proposed changes it would be GO, each model alone; only 1 of 2 fit.",
    ),
    (fact("with_changes", "GO", more={"changes": 1}), "With the proposed change it would be GO."),
    (
        fact("gpus_asked", 5, "GPUs", more={"models": 5, "planned": 8}),
        "The 5 models ask for 5 GPUs in all, 8 GPUs with the proposed changes.",
    ),
    (fact("gpus_asked", 1, "GPUs", more={"models": 1, "planned": 1}), "The model asks for 1 GPU in all."),
    (fact("together", 4, "models", told="together only 4 of 5 fit"), "Together only 4 of 5 fit."),
    (fact("missing", told="1 x L40S"), "To run all together, add: 1 x L40S."),
    (
        fact("place", 2, "GPUs", model="m", node="n", gpu="L40S 45 GiB", more={"plan": True}),
        "One way to run them together with the proposed changes puts m on node n: 2 x L40S 45 GiB.",
    ),
    (fact("verdict", "GO", model="m", told="GO on L40S only: it fits"), "m is GO on L40S only: it fits."),
    (
        fact(
            "verdict", "GO", model="m", told="it fits", terms="on 4 x L40S", which="what-if-1", stands="NO-GO"
        ),
        "On 4 x L40S m would be GO (this run, as it is: NO-GO): it fits.",
    ),
    (
        fact(
            "verdict",
            "GO",
            model="m",
            told="it fits",
            terms="--max-model-len=1 on 4 x L40S",
            which="what-if-1",
        ),
        "With --max-model-len=1 on 4 x L40S m would be GO: it fits.",
    ),
    (fact("help", model="m", told="use fewer tokens"), "What would help m: use fewer tokens."),
    (fact("condition", "unknown", model="m", told="if 1 L40S is free"), "For m: if 1 L40S is free."),
    (fact("tested", model="m", told="passed"), "QA on m: passed."),
    (
        fact("need", 77.0, "GiB", model="m", gpu="A100", more={"gpus": 2, "gpu_gib": 80.0}),
        "m needs 77 GiB on each of 2 GPUs, KV cache for its context included; A100 has 80 GiB.",
    ),
    (
        fact(
            "need",
            72.28,
            "GiB",
            model="m",
            guess=True,
            more={"gpus": 2, "kv": False, "low": 63.0, "high": 116.0},
        ),
        "m needs 72.28 GiB (a guess, 63 to 116 GiB) on each of 2 GPUs by a rough sum from its weights alone.",
    ),
    (fact("need", model="m"), "Memory that one GPU must have of m is not known."),
    (fact("gpu_memory", 45.0, "GiB", model="m"), "m is held against a GPU of 45 GiB."),
    (
        fact("simple_need", 16.74, "GiB", model="m"),
        "The Configuration pane counts 16.74 GiB for m: its weights and 10 %, over all its GPUs together. "
        "The verdict goes by the estimate, which adds what vLLM takes and the KV cache.",
    ),
    (fact("weights", 15.22, "GiB", model="m"), "The weights of m are 15.22 GiB."),
    (
        fact("weights_each", 7.6, "GiB", model="m"),
        "The weights of m take 7.6 GiB of one GPU, as vLLM loads them.",
    ),
    (fact("parameters", 8.17, "billion", model="m", guess=True), "m has 8.17 billion (a guess) parameters."),
    (fact("quantization", "none", model="m"), "m is not quantized."),
    (fact("quantization", "w4a16", model="m", guess=True), "m is quantized as w4a16 (a guess)."),
    (fact("quantization", model="m"), "Quantization of m is not known."),
    (fact("image_size", 17.5, "GiB", model="m"), "The image of m is 17.5 GiB."),
    (
        fact("pull", 78, "minutes", model="m", more={"from": 61}),
        "To pull m's image to a node that does not have it takes about 61 to 78 min.",
    ),
    (fact("gpu_count", 1, "GPUs", model="m"), "The manifest gives m 1 GPU."),
    (
        fact("context", 8192, "tokens", model="m", more={"given": True}),
        "m is served with a context of 8,192 tokens (--max-model-len).",
    ),
    (
        fact("context", 131072, "tokens", model="m", more={"given": False}),
        "m is served with a context of 131,072 tokens (the model's own, for no --max-model-len is given).",
    ),
    (fact("argument", True, model="m", flag="--enforce-eager"), "The manifest gives --enforce-eager for m."),
    (
        fact("argument", 16, model="m", flag="--max-num-seqs"),
        "The manifest gives --max-num-seqs=16 for m.",
    ),
    (
        fact("budget", 39.98, "GiB", model="m"),
        "vLLM may use 39.98 GiB of a GPU for m (--gpu-memory-utilization).",
    ),
    (fact("taken", 15.5, "GiB", model="m"), "m takes 15.5 GiB of a GPU before its KV cache."),
    (fact("kv_cache", 24.45, "GiB", model="m"), "m leaves 24.45 GiB of a GPU for its KV cache."),
    (fact("kv_tokens", 160000, "tokens", model="m"), "The KV cache of m holds 160,000 tokens."),
    (
        fact("kv_request", 2.5, "GiB", model="m"),
        "One request of m's full context takes 2.5 GiB of a GPU's KV cache.",
    ),
    (
        fact("longest_context", 11328, "tokens", model="m", more={"starts": False}),
        "m would start with a context of up to 11,328 tokens on this GPU, with its other arguments.",
    ),
    (
        fact("concurrency", 19.56, "requests", model="m", more={"starts": True, "most": 16}),
        "m serves at most 16 requests at once, the limit of --max-num-seqs; its KV cache would hold 19.56 "
        "requests of its full context.",
    ),
    (
        fact("concurrency", 2.11, "requests", model="m", more={"starts": True, "most": 256}),
        "m's KV cache holds 2.11 requests of its full context at once, --max-num-seqs allows 256; "
        "shorter ones need less.",
    ),
    (
        fact("concurrency", 0.69, "requests", model="m", more={"starts": False}),
        "m does not start; its KV cache would hold 0.69 of one request of its full context.",
    ),
    (
        fact("on_kind", 4, "GPUs", model="m", gpu="L40S", more={"how": "refused"}, told="too big"),
        "On L40S m is refused: too big.",
    ),
    (
        fact("on_kind", 1, "GPUs", model="m", gpu="L40S", more={"how": "tight"}),
        "On L40S m fits, tightly with 1 GPU.",
    ),
    (
        fact("on_kind", model="m", gpu="L40S", more={"how": "unknown"}),
        "On L40S m may fit or not, that is not known.",
    ),
    (fact("runs_on", 0, "kinds", model="m"), "None of this run's kinds of GPU serves m as it is."),
    (fact("runs_on", 1, "kinds", model="m", told="L40S 45 GiB"), "m runs on L40S 45 GiB."),
    (fact("copies", model="m"), "How many copies of m the free GPUs take is not known."),
    (
        fact("copies", 1, "copies", model="m", more={"gpus": 2}),
        "The free GPUs that serve m take 1 copy of it, 2 GPUs each, if nothing else is put there.",
    ),
    (fact("note", model="m", told="tight"), "Note on m: tight."),
    (fact("access", "ok"), "The cluster was read."),
    (
        fact("access", "what-if inventory"),
        "No cluster was asked: the GPUs are those that were stated.",
    ),
    (fact("served_as", model="m", told="InferenceService in chat"), "m is an InferenceService in chat."),
    (fact("served_as", model="m", told="Deployment"), "m is a Deployment."),
    (
        fact("served_as", model="m/prefill", told="prefill of an LLMInferenceService in a"),
        "m/prefill is the prefill of an LLMInferenceService in a.",
    ),
    (fact("source", model="m", told="hf://o/m"), "The weights of m come from hf://o/m."),
    (
        fact("server", model="m", told="ServingRuntime r, image i"),
        "m is served by ServingRuntime r, image i.",
    ),
    (
        fact("replicas", 2, "replicas", model="m", more={"pods": 3}),
        "The manifest asks for 2 replicas of m, each of 3 pods.",
    ),
    (
        fact("replicas", 0, "replicas", model="m", more={"pods": 1}),
        "The manifest asks for 0 replicas of m; it is stopped.",
    ),
    (
        fact("passed", model="m", told="from ServingRuntime r, before its own: --a=1"),
        "m gets arguments from ServingRuntime r, before its own: --a=1.",
    ),
    (fact("not_clear", model="m", told="a pipe; write it out"), "Not clear of m: a pipe; write it out."),
    (
        fact("vllm", "0.11.0", source="manifest"),
        "vLLM 0.11.0 is taken, of the runtimes that the manifest brings.",
    ),
    (
        fact("vllm", told="0.10.1, 0.11.0", source="manifest"),
        "vLLM 0.10.1, 0.11.0 are taken, of the runtimes that the manifest brings.",
    ),
    (fact("access", "unreachable", told="no route"), "The cluster could not be read: no route."),
    (
        fact(
            "gpus_free",
            3,
            "GPUs",
            more={"cards": 4, "nodes": 1, "memory_gib": 180.0},
            told="3 of 4 GPUs free",
        ),
        "There are 4 usable GPUs on 1 node, 180 GiB of GPU memory in all: 3 of 4 GPUs free.",
    ),
    (
        fact("gpus_free", more={"cards": None, "nodes": 2}, told="4 shares, how many are free is unknown"),
        "GPUs are on 2 usable nodes: 4 shares, how many are free is unknown.",
    ),
    (fact("nodes", 4, "nodes"), "Usable GPUs are on 4 nodes."),
    (
        fact("kind", 4, "GPUs", gpu="L40S", more={"memory_gib": 45, "free": 3, "nodes": 2}),
        "4 x L40S, 45 GiB each, on 2 nodes: 3 of 4 free.",
    ),
    (
        fact("kind", None, "GPUs", gpu="T4", more={"units": 4, "nodes": 1}, told="; not usable: cordoned"),
        "An unknown number of T4, memory not known, on 1 node: how many are free is not known; "
        "not usable: cordoned.",
    ),
    (fact("card", 140.4, "GiB", gpu="H200"), "H200 has 140.4 GiB."),
    (
        fact("node", 4, "GPUs", node="n", gpu="L40S", more={"free": None, "usable": False}),
        "Node n has 4 x L40S, how many are free is not known; the node is not usable.",
    ),
    (fact("vllm", "0.11.2", source="operator"), "vLLM 0.11.2 is taken, stated with --vllm."),
    (fact("vllm", "0.18.0", source="runtime image"), "vLLM 0.18.0 is taken, of the cluster's runtime image."),
    (fact("vllm", told="0.19.0"), "Which vLLM release serves is not known; 0.19.0 is assumed."),
    (fact("qa"), "QA has not run yet."),
    (fact("qa", "QA_OK", told="all passed"), "QA: QA_OK (all passed)."),
    (fact("qa_tests", 3, "tests", more={"failed": 1, "total": 4}), "3 of 4 tests passed, 1 failed."),
    (fact("qa_model", "failed", model="m", told="CUDA_OOM"), "QA on m: failed, CUDA_OOM."),
    (
        fact("finding", "style", model="m", told="two items", more={"severity": "warning"}),
        "Warning: m: two items.",
    ),
    (fact("check", "blocked", told="no runtime"), "Blocked: no runtime."),
    (fact("vote", "NO-GO", told="License: not accepted"), "License: not accepted."),
    (fact("unknown", told="which GPUs there are"), "Not known: which GPUs there are."),
]


@pytest.mark.parametrize(("one", "said"), SAID, ids=[f"{one.measure}-{n}" for n, (one, _) in enumerate(SAID)])
def test_the_sentence_of_a_measure(one: RunFact, said: str) -> None:
    assert sentence(one) == said


def test_every_measure_has_its_test() -> None:
    assert {one.measure for one, _ in SAID} == set(STATEMENTS)


def test_a_measured_start_is_a_fact_that_is_found_by_its_words() -> None:
    state = finished("single-l40s")
    (first, *others), start = state.decision.models, start_of("one", "oom_load")
    estimate = msgspec.structs.replace(
        first.estimate, measured=start, exact=True, predicted=Outcome.STARTS, outcome=Outcome.OOM_LOAD
    )
    report = msgspec.structs.replace(
        state.decision, models=(msgspec.structs.replace(first, estimate=estimate), *others)
    )
    state = msgspec.structs.replace(state, decision=report)
    facts = run_facts(state)
    (found,) = [one for one in facts if one.measure == "measured"]
    assert (found.model, found.value, found.more["exact"]) == (first.model, "oom_load", True)
    assert "H100-80GB-HBM3 with vLLM 0.19.0 on 2023-11-14, with dummy weights" in sentence(found)
    asked = taken_apart("what was measured on the real GPU?", state)
    answer = by_topic(asked, {one.id: one for one in facts})
    assert [part.ids for part in answer] == [(found.id,)]


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_every_fact_of_a_run_can_be_said_of_whom_it_is(scenario: str) -> None:
    facts = run_facts(finished(scenario))
    assert len({fact.id for fact in facts}) == len(facts)
    for one in facts:
        told = sentence(one)
        assert told.endswith(".") and "None" not in told.replace("None of", "") and "\n" not in told
        assert not one.model or one.model in told, one


def test_text_from_outside_stays_text() -> None:
    hostile = fact("help", model="a\x1b[2Jb", told="x\u202ey")
    assert "\x1b" not in sentence(hostile) and "\u202e" not in sentence(hostile)


def test_an_amount_and_its_subject() -> None:
    one = fact("kv_cache", 1, "GiB", model="m", guess=True, terms="on 1 x L40S")
    assert amount(one) == "1 GiB (a guess)"
    assert subject(one) == "memory left for the KV cache of m with on 1 x L40S"
