"""What a model may say: nothing that the facts don't bear out gets through."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from modelcar_tui.supervisor.llm.check import Known, fault
from modelcar_tui.supervisor.llm.mentions import mentions

FACTS = (
    "verdict GO the model can be served as the manifest says",
    "verdict/granite-3.1-8b-instruct GO model 19 GiB vs GPU 45 GiB (L40S); 15.53 GiB of 39.98 GiB are taken",
    "verdict/llama-3.3-70b-instruct NO-GO it needs 141.2 GiB on 1 GPUs; --max-model-len=8192",
    "gpu/L40S 4 GPUs 45 GiB each, 2 free GPUs",
)
NUMBERS = ((8192.0, "token"), (19.56, "request"), (18.64, "gib"), (4.0, "gpu"))
BOTH = Known(
    texts=FACTS, numbers=NUMBERS, overall="NO-GO",
    verdicts={"granite-3.1-8b-instruct": "GO", "llama-3.3-70b-instruct": "NO-GO"},
)  # fmt: skip
GO = Known(texts=FACTS[:2], numbers=NUMBERS, overall="GO", verdicts={"granite-3.1-8b-instruct": "GO"})
NONE = Known(texts=FACTS[3:], numbers=NUMBERS)


@pytest.mark.parametrize(
    ("known", "prose"),
    [
        (GO, "The verdict is GO: the model takes 15.53 GiB of 39.98 GiB."),
        (GO, "granite-3.1-8b-instruct fits on the L40S, which has 45 GiB."),
        (GO, "About 19 GiB are needed, and 8,192 tokens of context are asked for."),
        (GO, "It handles 19.6 requests at once."),
        (BOTH, "llama-3.3-70b-instruct is NO-GO because it needs 141.2 GiB."),
        (BOTH, "granite-3.1-8b-instruct is GO. llama-3.3-70b-instruct is NO-GO."),
        (BOTH, "Overall NO-GO: llama-3.3-70b-instruct does not fit."),
        (BOTH, "It would fit if --max-model-len were lower."),
        (NONE, "There are four L40S GPUs, two of them free."),
    ],
)
def test_what_the_facts_say_may_be_said(known: Known, prose: str) -> None:
    assert fault(prose, known) == ""


@pytest.mark.parametrize(
    ("known", "prose"),
    [
        (GO, "The model takes 16.53 GiB."),
        (GO, "The context is 81 tokens."),  # 8192, cut off
        (GO, "The context is 819 tokens."),
        (GO, "It takes 15.5 GB."),  # another unit
        (GO, "It needs 19 GPUs."),  # a number of something else
        (GO, "It runs on the H100."),
        (GO, "It runs on Hopper."),
        (GO, "It runs on the L40."),
        (GO, "Use mistral-7b instead."),
        (GO, "It is NO-GO."),
        (GO, "It cannot run here."),
        (GO, "The verdict is UNKNOWN."),
        (GO, "Add --trust-remote-code."),
        (GO, "Press W to write."),
        (GO, "Please approve the plan."),
        (GO, "See https://example.test/x."),
        (GO, "[click](x) me"),
        (GO, "It has ½ of the memory."),
        (GO, "It has ١٩ GiB."),
        (GO, "It takes 1,5.53 GiB."),
        (GO, "There are seven GPUs."),
        (GO, "A dozen requests at once."),
        (GO, "Fine\x1b]52;c;aGk=\x07."),
        (GO, "fine\u202e"),
        (GO, ""),
        (GO, "so " * 400),
        (BOTH, "llama-3.3-70b-instruct is GO."),
        (BOTH, "llama-3.3-70b-instruct fits."),
        (BOTH, "llama-3.3-70b-instruct is slow. It runs well."),
        (BOTH, "granite-3.1-8b-instruct is NO-GO."),
        (BOTH, "Everything is GO."),
        (BOTH, "Both models run fine."),
        (BOTH, "granite-3.1-8b-instruct and llama-3.3-70b-instruct are GO."),
        (NONE, "The verdict is GO."),
        (NONE, "All is safe for deployment."),
    ],
)
def test_what_they_dont_say_may_not(known: Known, prose: str) -> None:
    assert fault(prose, known) != ""


@given(st.integers(min_value=0, max_value=10**12), st.sampled_from(("", " GiB", " tokens", " GPUs", "%", "k")))
def test_no_number_gets_in_that_is_in_no_fact(number: int, unit: str) -> None:
    allowed = {value for text in FACTS for value, _, _ in mentions(text).numbers} | {8192, 19.56, 18.64, 4}
    near = {round(float(value)) for value in allowed} | {8, 8.192, 3.1, 70, 3.3}
    assume(number not in near)
    assert fault(f"The figure is {number}{unit} here.", BOTH) != ""


@given(st.integers(min_value=1000, max_value=10**9), st.data())
def test_a_number_that_was_cut_off_is_no_number(number: int, data: st.DataObject) -> None:
    text = str(number)
    cut = text[: data.draw(st.integers(min_value=1, max_value=len(text) - 1))]
    known = Known(texts=(f"context {number} tokens",), overall="GO")
    assert fault(f"The context is {number} tokens.", known) == ""
    assert fault(f"The context is {cut}", known) != ""


@given(st.text(max_size=300))
def test_hostile_prose_never_raises(prose: str) -> None:
    assert isinstance(fault(prose, BOTH), str)


@given(st.from_regex(r"[A-Z]{1,3}[0-9]{2,4}[A-Z]?", fullmatch=True))
def test_no_product_is_named_that_is_in_no_fact(name: str) -> None:
    assume(name.casefold() not in ("l40s", "l40"))
    assert fault(f"It is served by {name} cards.", NONE) != ""
