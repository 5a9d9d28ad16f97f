"""What a model may say: nothing that the facts don't bear out gets through."""

from __future__ import annotations

import re
from itertools import combinations

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from modelcar_tui.supervisor.llm.check import fault
from modelcar_tui.supervisor.llm.claims import Known, learn
from modelcar_tui.supervisor.llm.named import Named

G, L, Q = "granite-3.1-8b-instruct", "llama-3.3-70b-instruct", "qwen3-8b.w4a16"


def of(model: str, measure: str, value: object, unit: str = "", note: str = "") -> Named:
    return Named(
        id=f"{measure}/{model}", value=value, unit=unit, note=note, about=model, kind="model", measure=measure
    )


GRANITE = (
    of(
        G,
        "verdict",
        "GO",
        note="model 18 GiB vs GPU 45 GiB (L40S); 15.81 GiB of the 39.98 GiB that vLLM may use are taken, "
        "24.17 GiB are left for the KV cache",
    ),
    of(G, "required", 17.91, "GiB"),
    of(G, "kv_cache", 24.17, "GiB"),
    of(G, "longest_context", 24576, "tokens"),
    of(G, "context", 8192, "tokens"),
    of(G, "seqs", 400, "requests"),
    of(G, "utilization", 0.9),
    of(G, "concurrency", 77.34, "requests"),
    of(G, "parameters", 8.17, "billion parameters"),
    of(G, "weights", 15.22, "GiB"),
    of(G, "gpu_count", 1, "GPUs"),
    of(G, "quantization", "none"),
)
LLAMA = (
    of(
        L,
        "verdict",
        "NO-GO",
        note="model 151 GiB vs GPU 45 GiB (L40S); the weights need 131.45 GiB and 44.07 GiB are free",
    ),
    of(L, "required", 150.27, "GiB"),
    of(L, "parameters", 70.55, "billion parameters"),
    of(
        L,
        "would_help",
        "the weights need 131.45 GiB and 44.07 GiB are free; no arguments make it start on"
        " 2 x L40S. What would: 4 x L40S on one node; 1 x NVIDIA-H200",
    ),
)
QWEN = (
    of(Q, "verdict", "NO-GO", note="model 7 GiB vs GPU 45 GiB (L40S); w4a16 does not run on it"),
    of(Q, "required", 6.5, "GiB"),
    of(Q, "quantization", "w4a16"),
)
GPUS = (
    Named(
        id="gpu/L40S",
        value=2,
        unit="GPUs",
        note="45 GiB each, 1 free GPUs",
        about="L40S",
        kind="gpu",
        measure="gpus",
    ),
    Named(
        id="gpu/Tesla-T4",
        value=6,
        unit="GPUs",
        note="15 GiB each, 5 free GPUs",
        about="Tesla-T4",
        kind="gpu",
        measure="gpus",
    ),
    Named(id="gpu/nodes", value=4, unit="nodes", measure="nodes"),
    Named(id="runtime/vllm", value="0.11.2"),
)
OVERALL = (
    Named(
        id="verdict",
        value="NO-GO",
        measure="verdict",
        note=f"2 of 3 models NO-GO: {L}, {Q} (the weights need 131.45 GiB and 44.07 GiB are free)",
    ),
    Named(id="verdict/with_changes", value="UNKNOWN", note="9 proposed changes", measure="with_changes"),
    Named(id="changes", value=9, unit="changes", measure="change"),
)
ALL = learn((*OVERALL, *GRANITE, *LLAMA, *QWEN, *GPUS))
GO = learn((Named(id="verdict", value="GO", measure="verdict"), *GRANITE, *GPUS[:1]))
NONE = learn(GPUS)
QA = learn(
    (
        Named(id="qa/outcome", value="QA_FAILED:TESTS", note="3 tests failed", measure="outcome"),
        Named(id="qa/passed", value=12, unit="tests", measure="passed"),
        Named(id="qa/failed", value=3, unit="tests", measure="failed"),
    ),
    went="NO-GO",
)

TRUE: list[tuple[Known, str]] = [
    (GO, "The verdict is GO: the model takes 15.81 GiB of 39.98 GiB."),
    (GO, "granite-3.1-8b-instruct fits on the L40S, which has 45 GiB."),
    (GO, "It needs 17.91 GiB, and 8,192 tokens of context are asked for."),
    (GO, "It needs about 18 GiB."),
    (GO, "It serves 77.34 requests at once."),
    (GO, "It serves about 77.3 requests at once."),
    (GO, "The GPU has 45 GiB and the model needs 17.91 GiB."),
    (GO, "The model is GO. 24.17 GiB are left for the KV cache."),
    (GO, "The KV cache has 24.17 GiB."),
    (GO, "It has 8.17 billion parameters and 15.22 GiB of weights."),
    (GO, "--max-model-len=8192 is set."),
    (GO, "The GPU memory utilization is 90%."),
    (GO, "The longest context is 24,576 tokens."),
    (GO, "It is not quantized."),
    (GO, "It asks for one GPU."),
    (ALL, f"{L} is NO-GO because the weights need 131.45 GiB and 44.07 GiB are free."),
    (ALL, f"{L} is NO-GO because it needs 150.27 GiB and the L40S has 45 GiB."),
    (ALL, f"{L} needs 150.27 GiB, more than the 45 GiB of the L40S."),
    (ALL, f"{L} needs 150.27 GiB, which exceeds the 45 GiB of the L40S."),
    (ALL, f"{G} needs 17.91 GiB, less than the 45 GiB of the L40S."),
    (ALL, f"{G} is GO. {L} is NO-GO."),
    (ALL, f"{G} is GO and {L} is NO-GO."),
    (ALL, f"{G} is GO, but {L} and {Q} are NO-GO."),
    (ALL, f"{L} can't be served, while {G} fits on the L40S."),
    (ALL, f"Overall NO-GO: {L} does not fit."),
    (ALL, "The manifest is NO-GO."),
    (ALL, "Two of the three models are NO-GO."),
    (ALL, f"2 of 3 models are NO-GO: {L} and {Q}."),
    (ALL, "One of three models is GO: granite-3.1-8b-instruct."),
    (ALL, f"{G} needs 17.91 GiB and {L} 150.27 GiB."),
    (ALL, f"For {G}, 24.17 GiB are left for the KV cache."),
    (ALL, f"4 x L40S on one node would help {L}."),
    (ALL, f"{L} would run on four L40S GPUs on one node or 1 x NVIDIA-H200."),
    (ALL, "Nine changes are proposed."),
    (ALL, "The verdict with the 9 proposed changes is UNKNOWN."),
    (ALL, f"{Q} is quantized as w4a16."),
    (ALL, "granite is GO and takes 15.81 GiB of 39.98 GiB."),
    (NONE, "There are two L40S GPUs and 1 L40S GPU is free."),
    (NONE, "There are two L40S GPUs and six Tesla-T4 GPUs."),
    (NONE, "The L40S GPUs have 45 GiB each."),
    (NONE, "2 x L40S with 45 GiB each, 6 x Tesla T4 with 15 GiB each."),
    (NONE, "The cluster has 4 nodes."),
    (NONE, "The runtime is vLLM 0.11.2."),
    (NONE, "5 Tesla-T4 GPUs are free."),
    (NONE, "1 of the 2 L40S GPUs is free."),
    (ALL, f"{G} needs 1 GPU and 17.91 GiB."),
    (ALL, f"{G} fits into the memory of the L40S."),
    (ALL, f"{L} would need 4 x L40S on one node or 1 x NVIDIA-H200."),
    (QA, "12 tests passed and 3 failed."),
    (QA, "QA failed: 3 tests failed."),
]
FALSE: list[tuple[Known, str]] = [
    # numbers that are in no fact, or in another unit, or cut
    (GO, "The model needs 16.53 GiB."),
    (GO, "The context is 81 tokens."),
    (GO, "The context is 819 tokens."),
    (GO, "It needs 17.91 GB."),
    (GO, "It needs 17,910 MiB."),
    (GO, "It needs 18,340 MiB."),
    (GO, "It needs 19.2 GB."),
    (GO, "It needs 17.91."),
    (GO, "There are seven GPUs."),
    (GO, "A dozen requests at once are served."),
    (GO, "It needs 17 to 18 GiB."),
    (GO, "It needs 17-18 GiB."),
    (GO, "It needs 17,91 GiB."),
    (GO, "It needs 17.910,00 GiB."),
    (GO, "The context is 8.192 tokens."),
    (GO, "It has \N{VULGAR FRACTION ONE HALF} of the memory."),
    (GO, "It needs \u0661\u0668 GiB."),
    (GO, "It needs \uff11\uff17.\uff18\uff11 GiB."),
    (GO, "It needs 1,5.53 GiB."),
    (GO, "It needs 2^4 GiB."),
    (GO, "It needs 1.791e1 GiB."),
    (GO, "The GPU memory utilization is 80%."),
    # true numbers, said of something else
    (GO, "It needs 45 GiB and the GPU has 17.91 GiB."),
    (GO, "The model needs 45 GiB."),
    (GO, "The GPU has 17.91 GiB."),
    (GO, "It takes 39.98 GiB of 15.81 GiB."),
    (GO, "It has 15.22 billion parameters."),
    (GO, "It has 8.17 GiB of weights."),
    (GO, "The weights are 24.17 GiB."),
    (GO, "The KV cache needs 24.17 GiB."),
    (GO, "The longest context is 8,192 tokens."),
    (GO, "The context is 24,576 tokens."),
    (GO, "It serves 400 requests at once."),
    (GO, "It needs 18 GPUs."),
    (GO, "It needs 45 L40S GPUs."),
    (GO, "15.81 GiB are left for the KV cache."),
    (GO, "39.98 GiB are free."),
    (ALL, f"{L} needs 17.91 GiB."),
    (ALL, f"{G} needs 150.27 GiB and {L} 17.91 GiB."),
    (ALL, f"{L} needs 45 GiB and the GPU has 150.27 GiB."),
    (ALL, f"{L} needs 45 GiB and the L40S has 150.27 GiB."),
    (ALL, f"{G} and {L} need 17.91 GiB."),
    (ALL, f"{L} needs 131.45 GiB."),
    (ALL, "Each model needs 17.91 GiB."),
    (ALL, "All models need 17.91 GiB."),
    (NONE, "There are six L40S GPUs and two Tesla-T4 GPUs."),
    (NONE, "The L40S has 15 GiB and the Tesla-T4 has 45 GiB."),
    (NONE, "Two L40S GPUs are free."),
    (NONE, "There are four L40S GPUs on 2 nodes."),
    (NONE, "There are two L40S GPUs on 4 nodes."),
    (NONE, "The runtime is vLLM 0.11.3."),
    (QA, "3 tests passed and 12 failed."),
    (QA, "15 tests passed."),
    # verdicts of somebody else
    (GO, "It is NO-GO."),
    (GO, "It cannot run here."),
    (GO, "The verdict is UNKNOWN."),
    (GO, "It does not fit."),
    (GO, "It is too large."),
    (ALL, f"{G} is NO-GO and {L} is GO."),
    (ALL, f"{L} is GO."),
    (ALL, f"{L} fits."),
    (ALL, f"{L} is NO-GO. It runs."),
    (ALL, f"{G} is NO-GO."),
    (ALL, f"{G} does not fit on the L40S."),
    (ALL, f"{G} fits on the Tesla-T4."),
    (ALL, f"{G} is GO on the Tesla-T4, which has 15 GiB."),
    (ALL, "Everything is GO."),
    (ALL, "All models are NO-GO."),
    (ALL, "Both models run."),
    (ALL, f"{G} and {L} are GO."),
    (ALL, f"{G}, {L} and {Q} are NO-GO."),
    (ALL, f"GO: {L}."),
    (ALL, "Two models are GO."),
    (ALL, f"2 of 3 models are NO-GO: {L} and {G}."),
    (ALL, f"One of three models is GO: {L}."),
    (ALL, "Three of two models are NO-GO."),
    (ALL, "The manifest is GO."),
    (ALL, "The verdict with the 9 proposed changes is GO."),
    (NONE, "The verdict is GO."),
    (NONE, "All is safe for deployment."),
    (NONE, "The L40S works."),
    (QA, "QA passed."),
    # denials and doubts
    (ALL, f"{L} is not NO-GO."),
    (ALL, f"{G} is not GO."),
    (ALL, f"{G} never fails."),
    (ALL, f"{L} does not need 150.27 GiB."),
    (ALL, f"{L} needs no 150.27 GiB."),
    (GO, "It may need 17.91 GiB."),
    (GO, "It hardly needs 17.91 GiB."),
    (ALL, f"{L} would fit if --max-model-len were lower."),
    (ALL, f"{L} would run."),
    (ALL, f"{L} would run on 2 x L40S."),
    (ALL, f"{L} would run on one Tesla-T4 or 1 x NVIDIA-H200."),
    (ALL, f"4 x L40S on one node would help {G}."),
    (ALL, "Only granite-3.1-8b-instruct is GO."),
    (ALL, "Most models are NO-GO."),
    (ALL, "Does granite fit?"),
    # comparisons and reasons that are not so
    (ALL, f"{L} needs 150.27 GiB, less than the 45 GiB of the L40S."),
    (ALL, f"{G} needs 17.91 GiB, more than the 45 GiB of the L40S."),
    (ALL, f"{G} needs 17.91 GiB, which exceeds the 45 GiB of the L40S."),
    (ALL, f"{G} needs more than 17 GiB."),
    (ALL, f"{G} needs more than the L40S has."),
    (ALL, f"{Q} is NO-GO because it needs 6.5 GiB and the L40S has 45 GiB."),
    (ALL, f"{L} is NO-GO because it has 70.55 billion parameters."),
    (ALL, f"{G} is NO-GO because it needs 17.91 GiB."),
    # true numbers and verdicts in sentences that bend them
    (ALL, f"{G} has 45 GiB."),
    (ALL, f"{G} with 45 GiB is GO."),
    (ALL, f"{L} leaves 44.07 GiB free."),
    (ALL, f"{G} needs 2 L40S GPUs."),
    (ALL, f"{L} needs 2 L40S GPUs."),
    (ALL, "The 9 changes are NO-GO."),
    (ALL, "The manifest is unsupported."),
    (ALL, f"{L} has 70.55 billion tokens."),
    (ALL, f"{L} needs 70.55 billion GiB."),
    (ALL, f"{G} once needed 17.91 GiB."),
    (ALL, f"{G} once needs 17.91 GiB."),
    (ALL, f"{G} was GO."),
    (ALL, "The 2 L40S GPUs have 45 GiB in total."),
    (ALL, "The 2 L40S GPUs have 45 GiB."),
    (ALL, "Each node has 2 L40S GPUs."),
    (ALL, "Each L40S has 2 GPUs."),
    (ALL, f"{Q} is too large."),
    (ALL, f"{Q} does not fit."),
    (ALL, f"{G} is GO like {L}."),
    (ALL, f"{G} is GO and so is {L}."),
    (ALL, f"{L} runs on {G}."),
    (ALL, f"{G} is GO. Not."),
    (ALL, f"{L} needs 150.27 GiB: it fits."),
    (ALL, f"{G} needs 17.91 GiB, and {L} too."),
    (ALL, f"The weights of {L} need 44.07 GiB and 131.45 GiB are free."),
    (ALL, f"{L} would run on 1 x NVIDIA-H200 and 2 x L40S."),
    (ALL, "The weights need 131.45 GiB and 44.07 GiB are free."),
    (ALL, f"{Q} is NO-GO because the weights need 131.45 GiB and 44.07 GiB are free."),
    # names
    (GO, "It runs on the H100."),
    (GO, "It runs on Hopper."),
    (GO, "It runs on the L40."),
    (GO, "Use mistral-7b instead."),
    (ALL, f"{G} is quantized as w4a16."),
    (ALL, f"{Q} is not quantized."),
    (ALL, f"{Q} is quantized as fp8."),
    (ALL, f"{Q} is not quantized as w4a16."),
    (GO, "Add --trust-remote-code."),
    (GO, "--trust-remote-code is set."),
    # orders, links, other languages, nothing
    (GO, "Press W to write."),
    (GO, "Please approve the plan."),
    (GO, "See https://example.test/x."),
    (GO, "[click](x) me"),
    (GO, "Die GPU hat 45 GiB."),
    (GO, "Das Modell granite-3.1-8b-instruct ist nicht GO."),
    (GO, "Le mod\u00e8le est GO."),
    (GO, "\u30e2\u30c7\u30eb\u306f GO \u3067\u3059\u3002"),
    (GO, "The model is G\u041e."),
    (GO, "It comfortably fits."),
    (GO, "The model is there."),
    (GO, "Fine\x1b]52;c;aGk=\x07."),
    (GO, "fine\u202e"),
    (GO, "\ue000 is GO."),
    (GO, ""),
    (GO, "."),
    (GO, "so " * 400),
]


@pytest.mark.parametrize(("known", "prose"), TRUE, ids=range(len(TRUE)))
def test_what_the_facts_say_may_be_said(known: Known, prose: str) -> None:
    assert fault(prose, known) == ""


@pytest.mark.parametrize(("known", "prose"), FALSE, ids=range(len(FALSE)))
def test_what_they_dont_say_may_not(known: Known, prose: str) -> None:
    assert fault(prose, known) != ""


_NUMBERS = re.compile(r"(?<![\w.-])\d[\d,]*(?:\.\d+)?(?![\w%])")
_NAMES = re.compile("|".join(map(re.escape, (G, L, Q, "L40S", "Tesla-T4"))))


def swaps(prose: str, what: re.Pattern[str]) -> list[str]:
    """The text with any two different ones of its numbers, or names, exchanged."""
    found = []
    for one, two in combinations(what.finditer(prose), 2):
        if one[0] != two[0]:
            middle = prose[one.end() : two.start()]
            found.append(prose[: one.start()] + two[0] + middle + one[0] + prose[two.end() :])
    return found


SWAPPED = [
    (known, text)
    for known, prose in TRUE
    for text in (*swaps(prose, _NUMBERS), *swaps(prose, _NAMES))
    if set(re.findall(r"\w+", text)) == set(re.findall(r"\w+", prose))
]
SAME = {
    f"{G} is GO, but {Q} and {L} are NO-GO.",
    f"2 of 3 models are NO-GO: {Q} and {L}.",
}
"""Swaps that are as true as what they were made of."""


@pytest.mark.parametrize(("known", "prose"), SWAPPED, ids=range(len(SWAPPED)))
def test_a_true_sentence_with_two_numbers_or_names_exchanged_is_withdrawn(known: Known, prose: str) -> None:
    assert (fault(prose, known) == "") is (prose in SAME), prose


def test_enough_swaps_are_tried() -> None:
    assert len(SWAPPED) >= 25


@pytest.mark.parametrize("lone", ["not", "never", "no", "cannot", "hardly", "nicht", "ne", "without"])
@pytest.mark.parametrize(("known", "prose"), TRUE[:44:3], ids=range(0, 44, 3))
def test_a_denial_put_anywhere_into_a_true_sentence_is_seen(known: Known, prose: str, lone: str) -> None:
    words = prose.split()
    for place in range(len(words) + 1):
        text = " ".join((*words[:place], lone, *words[place:]))
        assert fault(text, known) != "", text


VALUES = st.lists(st.integers(1100, 99999), min_size=8, max_size=8, unique_by=lambda value: value // 10)


@settings(deadline=None)
@given(VALUES, st.data())
def test_random_facts_bear_out_their_own_sentences_and_no_exchange_of_two_numbers(
    values: list[int], data: st.DataObject
) -> None:
    """Two models and a GPU with drawn sizes; a drawn pair of numbers changes places."""
    need, weights, other, memory = (value / 100 for value in values[:4])
    context, longest, requests, count = values[4:]
    facts = learn(
        (
            of("alpha-7b", "required", need, "GiB"),
            of("alpha-7b", "weights", weights, "GiB"),
            of("alpha-7b", "context", context, "tokens"),
            of("alpha-7b", "longest_context", longest, "tokens"),
            of("alpha-7b", "concurrency", requests, "requests"),
            of("beta-9b", "required", other, "GiB"),
            Named(
                id="gpu/B299",
                value=count,
                unit="GPUs",
                note=f"{memory} GiB each",
                about="B299",
                kind="gpu",
                measure="gpus",
            ),
        )
    )
    prose = (
        f"alpha-7b needs {need} GiB and its weights are {weights} GiB; beta-9b needs {other} GiB. "
        f"There are {count} B299 GPUs with {memory} GiB each. alpha-7b has a context of {context} tokens, "
        f"the longest context is {longest} tokens, and it handles {requests} requests at once."
    )
    assert fault(prose, facts) == ""
    exchanged = swaps(prose, _NUMBERS)
    assert fault(data.draw(st.sampled_from(exchanged)), facts) != ""


@settings(deadline=None)
@given(
    st.integers(min_value=0, max_value=10**12), st.sampled_from(("", " GiB", " tokens", " GPUs", "%", "k"))
)
def test_no_number_gets_in_that_is_in_no_fact(number: int, unit: str) -> None:
    assume(f"{number}{unit}" not in ("18 GiB", "8192 tokens", "8k", "90%", "24576 tokens", "1 GPUs"))
    assert fault(f"It needs {number}{unit}.", GO) != ""


@settings(deadline=None)
@given(st.integers(min_value=1000, max_value=10**9), st.data())
def test_a_number_that_was_cut_off_is_no_number(number: int, data: st.DataObject) -> None:
    text = str(number)
    cut = text[: data.draw(st.integers(min_value=1, max_value=len(text) - 1))]
    known = learn((of("m-1b", "context", number, "tokens"),))
    assert fault(f"The context is {number} tokens.", known) == ""
    assert fault(f"The context is {cut}", known) != ""
    assert fault(f"The context is {cut} tokens.", known) != ""


@settings(deadline=None)
@given(st.text(max_size=300))
def test_hostile_prose_never_raises_nor_passes_by_chance(prose: str) -> None:
    assert fault(prose, ALL) != "" or re.search(r"go\b", prose, re.IGNORECASE)


@settings(deadline=None)
@given(st.text(min_size=1, max_size=60), st.text(max_size=200))
def test_hostile_names_and_notes_never_raise(name: str, note: str) -> None:
    known = learn((of(name, "verdict", "NO-GO", note=note), of(name, "required", 5, "GiB", note=note)))
    assert isinstance(fault(f"{name} is NO-GO.", known), str)
    assert fault(f"{name} is GO.", known) != ""


@pytest.mark.parametrize("name", ["not", "no-go", "never", "cannot", "no", "unable", "no no"])
def test_a_model_named_like_a_denial_turns_no_sentence_round(name: str) -> None:
    known = learn((*GRANITE, of(name, "verdict", "GO"), Named(id="verdict", value="GO", measure="verdict")))
    for text in (
        f"{G} is {name} GO.",
        f"{name} {G} fits.",
        f"{G} {name} needs 17.91 GiB.",
        f"{G} is NO-{name}.",
    ):
        assert fault(text, known) != "", text


@pytest.mark.parametrize("name", ["GO", "needs", "is", "it", "all", "two", "45 GiB", "the-model", "models"])
def test_a_model_named_like_a_word_makes_nothing_false_true(name: str) -> None:
    known = learn((*GRANITE, of(name, "verdict", "GO"), Named(id="verdict", value="GO", measure="verdict")))
    for text in (
        f"{G} is NO-GO {name}.",
        f"{G} {name} needs 45 GiB.",
        f"{name} is NO-GO.",
        f"{name} needs 17 GiB.",
    ):
        assert fault(text, known) != "", text


@settings(deadline=None)
@given(st.from_regex(r"[A-Z]{1,3}[0-9]{2,4}[A-Z]?", fullmatch=True))
def test_no_product_is_named_that_is_in_no_fact(name: str) -> None:
    assume(name.casefold() not in ("l40s", "t4"))
    assert fault(f"There are two {name} GPUs.", NONE) != ""
