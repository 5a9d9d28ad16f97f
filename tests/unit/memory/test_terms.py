"""Every number explains itself: its terms add up to it, a term is the fact of its name, and a formula comes
to its term. Held over public configs, releases, cards and arguments."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from functools import cache

import pytest
from sizing_models import DEEPSEEK_LITE, GEMMA_27B, QWEN_NEXT

from modelcar_tui.core.facts import GIB, Fact, Source, Term
from modelcar_tui.hardware.product import gpu_for
from modelcar_tui.memory.estimator import estimate
from modelcar_tui.memory.types import Estimate
from modelcar_tui.models.facts import ModelFacts
from modelcar_tui.report.estimate import estimate_lines
from modelcar_tui.vllm.arguments.engine_args import read_engine_args
from support import vllm_data
from support.configs import LLAMA_8B

RELEASES = ("0.8.5", "0.14.1", "0.19.0", "0.24.0", "0.28.0", "0.32.0", None)
CARDS = ("NVIDIA-L4", "NVIDIA-H100-80GB-HBM3", "NVIDIA-H200", "Intel-Gaudi-3")
ARGUMENTS = (
    (),
    ("--max-model-len=8192", "--tensor-parallel-size=4"),
    ("--enforce-eager", "--enable-lora"),
    ("--cpu-offload-gb=4", "--gpu-memory-utilization=0.95"),
    ("--kv-cache-memory-bytes=4000000000", "--pipeline-parallel-size=2"),
)
SUMS = (
    "weights_gib",
    "activation_gib",
    "non_torch_gib",
    "cuda_graph_gib",
    "kv_available_gib",
    "kv_bytes_per_token",
    "state_bytes",
    "required_gib",
    "headroom_gib",
)
NAMED = {
    "weights": "weights_gib",
    "activation peak": "activation_gib",
    "outside PyTorch": "non_torch_gib",
    "CUDA graphs": "cuda_graph_gib",
    "what vLLM may use": "requested_gib",
}
"""Labels of terms, and the facts that they must equal."""
WEIGHTS = re.compile(r"([\d,]+) x ([\d.]+) B(?! on average)")
KEYS = re.compile(r"(?:(\d+) x )?(\d+) heads x (\d+|\((\d+) \+ (\d+)\)) x ([\d.]+) B x (\d+) layers")
LATENT = re.compile(r"(\d+) x ([\d.]+) B x (\d+) layers")


def size(config, *args: str, gpu: str = "H100", vllm: str | None = "0.19.0", **facts) -> Estimate:
    wanted = read_engine_args(args, None, vllm)
    return estimate(ModelFacts(config=config, **facts), gpu_for(gpu, count=8), wanted, vllm=vllm)


@cache
def estimates(release: str | None) -> tuple[tuple[str, Estimate], ...]:
    return tuple(_estimates(release))


def _estimates(release: str | None) -> Iterator[tuple[str, Estimate]]:
    for index, row in enumerate(vllm_data.lines("configs.jsonl")):
        card, args = CARDS[index % len(CARDS)], ARGUMENTS[index // len(CARDS) % len(ARGUMENTS)]
        yield f"{row['id']} {card} {args}", size(row["config"], *args, gpu=card, vllm=release)


def guesses() -> Iterator[tuple[str, Estimate]]:
    """What is known by its files, by a catalog, or by its name alone."""
    known: dict[str, dict[str, Fact]] = {
        "bytes and parameters": {
            "weight_bytes": Fact(value=16_341_696_512, source=Source.CATALOG),
            "parameters": Fact(value=8_170_848_256, source=Source.CATALOG),
            "bits": Fact(value=16, source=Source.CATALOG),
        },
        "bytes": {"weight_bytes": Fact(value=16_341_696_512, source=Source.IMAGE_CONFIG)},
        "parameters": {"parameters": Fact(value=8_000_000_000, source=Source.NAME)},
        "parameters and bits": {
            "parameters": Fact(value=8_000_000_000, source=Source.NAME, low=7.5e9, high=8.5e9),
            "bits": Fact(value=4, source=Source.NAME),
        },
    }
    for name, facts in known.items():
        for args in ((), ("--tensor-parallel-size=2", "--max-model-len=4096")):
            yield f"{name} {args}", size(None, *args, **facts)


@pytest.mark.parametrize("release", RELEASES)
def test_terms_add_up_to_their_fact(release):
    seen = set()
    for name, found in (*estimates(release), *guesses()):
        for field in SUMS:
            fact: Fact[float] = getattr(found, field)
            if fact.value is None or not fact.terms:
                assert not fact.terms, (name, field)
                continue
            seen.add(field)
            total = math.fsum(term.value for term in fact.terms)
            assert total == pytest.approx(fact.value, rel=1e-9, abs=1e-6), (name, field, fact.terms)
            assert {term.unit for term in fact.terms} == {fact.unit}, (name, field)
    assert seen == set(SUMS)


@pytest.mark.parametrize("release", RELEASES)
def test_a_term_is_the_fact_of_its_name(release):
    seen = set()
    for name, found in (*estimates(release), *guesses()):
        for field in SUMS:
            fact: Fact[float] = getattr(found, field)
            for term in fact.terms:
                named = NAMED.get(term.label)
                if named is None or named == field:
                    continue
                seen.add((term.label, field))
                value = getattr(found, named).value
                assert value is not None and abs(term.value) == pytest.approx(value), (name, field, term)
    assert {field for _, field in seen} == {"kv_available_gib", "headroom_gib", "required_gib"}


@pytest.mark.parametrize("release", RELEASES)
def test_the_formula_of_a_weight_comes_to_it(release):
    checked = 0
    for name, found in estimates(release):
        for term in found.weights_gib.terms:
            match = WEIGHTS.match(term.note)
            if match is not None:
                checked += 1
                each = int(match[1].replace(",", "")) * float(match[2])
                assert term.value * GIB == pytest.approx(each), (name, term)
    assert checked > 500


@pytest.mark.parametrize("release", RELEASES)
def test_the_formula_of_a_token_comes_to_it(release):
    checked = 0
    for name, found in estimates(release):
        for term in found.kv_bytes_per_token.terms:
            product = _product(term)
            if product is not None:
                checked += 1
                assert term.value == pytest.approx(product), (name, term)
    assert checked > 50


def _product(term: Term) -> float | None:
    match = KEYS.match(term.note)
    if match is not None:
        both = int(match[4]) + int(match[5]) if match[4] else int(match[3])
        return int(match[1] or 1) * int(match[2]) * both * float(match[6]) * int(match[7])
    match = LATENT.match(term.note)
    return int(match[1]) * float(match[2]) * int(match[3]) if match else None


@pytest.mark.parametrize(
    ("config", "formulas"),
    [
        (LLAMA_8B, ["2 x 8 heads x 128 x 2 B x 32 layers"]),
        (DEEPSEEK_LITE, ["576 x 2 B x 27 layers, whole on every GPU"]),
        (QWEN_NEXT, ["2 x 4 heads x 256 x 2 B x 16 layers"]),
    ],
)
def test_the_bytes_of_a_token_have_their_formula(config, formulas):
    assert [term.note for term in size(config, vllm="0.32.0").kv_bytes_per_token.terms] == formulas


def test_embeddings_are_counted_times_their_bytes():
    notes = {term.label: term.note for term in size(LLAMA_8B).weights_gib.terms}
    assert notes["embedding"].startswith("525,336,576 x 2 B")


def test_what_a_guess_rests_on_is_the_size_that_is_known():
    found = dict(guesses())["bytes and parameters ()"].required_gib
    weights = next(term for term in found.terms if "weights" in term.label)
    assert weights.value == pytest.approx(16_341_696_512 / GIB)
    assert "8,170,848,256" in weights.note and "16 bits" in weights.note
    assert not any(term.label.startswith(("parameters", "bits")) for term in found.terms)


@pytest.mark.parametrize(("release", "kept"), [("0.19.0", False), ("0.20.0", True), ("0.32.0", True)])
def test_what_comes_before_and_after_the_cache_is_said_by_release(release, kept):
    found = size(LLAMA_8B, vllm=release)
    deducted = [term for term in found.kv_available_gib.terms if "CUDA graphs" in term.label]
    assert bool(deducted) is kept
    assert ("takes" in found.cuda_graph_gib.note) is kept
    assert ("before vLLM 0.20 nothing is kept" in found.cuda_graph_gib.note) is not kept
    assert "after the KV cache" in found.cuda_graph_gib.note


def test_a_hybrids_state_is_shown_and_its_tokens_are_reconciled_with_its_requests():
    for release in ("0.19.0", "0.32.0"):
        found = size(QWEN_NEXT, "--max-model-len=8192", gpu="H200", vllm=release)
        (term,) = found.state_bytes.terms
        assert re.match(r"pages a request: \d+, x [\d,]+ B", term.note)
        sentence = found.notes[-1]
        assert f"{found.kv_tokens.value:,} tokens that vLLM logs are no capacity" in sentence
        assert f"{found.max_concurrency.value:,.1f} requests of 8,192 tokens" in sentence


def test_where_every_layer_keeps_every_token_nothing_is_to_be_reconciled():
    found = size(LLAMA_8B, vllm="0.32.0")
    assert not any("no capacity" in note for note in found.notes)
    assert not found.state_bytes.known
    assert any("no capacity" in note for note in size(GEMMA_27B, vllm="0.32.0").notes)


def test_the_explanation_shows_formulas_and_sources_of_every_figure():
    found, card = size(QWEN_NEXT, gpu="H200"), gpu_for("H200")
    args = read_engine_args((), None, "0.19.0")
    lines = "\n".join(estimate_lines("m", card, args, found, smallest_tp=1, knobs=(), explain=True))
    for told in (
        "CUDA context and libraries",
        "graphs of 51 sizes",
        "x 2 B",
        "pages a request",
        "no capacity",
    ):
        assert told in lines
    short = "\n".join(estimate_lines("m", card, args, found, smallest_tp=1, knobs=(), explain=False))
    assert "no capacity" in short and "states of one request" in short
