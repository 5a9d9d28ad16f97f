"""Each architecture of the registries is held against vLLM's own answers, or says what is missing."""

from __future__ import annotations

import pytest
import vllm_memory

from modelcar_tui.hardware.product import gpu_for
from modelcar_tui.memory.estimator import estimate
from modelcar_tui.memory.types import Estimate, Outcome
from modelcar_tui.models.facts import ModelFacts
from modelcar_tui.vllm.architectures import architecture_spans, listed
from modelcar_tui.vllm.arguments.engine_args import read_engine_args
from modelcar_tui.vllm.profile import profile_for
from modelcar_tui.vllm.unmodelled import drafts, missing_pieces
from support import vllm_data

ALIKE = {
    "ChameleonForConditionalGeneration": "refused where the judge can be asked; its layers are Llama's",
    "ColBERTJinaRobertaModel": "XLM-RoBERTa's layers and one projection (vllm models/colbert.py)",
    "GteNewForSequenceClassification": "GteModel's layers and a classifier (vllm models/bert_with_rope.py)",
    "GteNewModel": "GteModel's layers (vllm models/bert_with_rope.py)",
    "ColModernVBertForRetrieval": "SigLIP beside ModernBERT, by its recipe (vllm models/colmodernvbert.py)",
    "HF_ColBERT": "BertModel's layers and one projection (vllm models/colbert.py)",
    "Kolibri1ForCausalLM": "what transformers has, by its plan",
    "Lfm2BidirectionalModel": "Lfm2ForCausalLM's layers (vllm models/lfm2.py)",
    "MiniMaxM3SparseForCausalLM": "the text part of MiniMaxM3SparseForConditionalGeneration",
    "NanbeigeForCausalLM": "what transformers has, by its plan: Llama's layers",
    "PixtralForConditionalGeneration": "Mistral's layers and Pixtral's tower (vllm models/pixtral.py)",
    "Qwen3XPressModel": "a draft under the name of a model",
    "Rnj1ForCausalLM": "Gemma 3's layers; no backend of a Hopper card builds it",
    "Step3p7ForConditionalGeneration": "Step 3.5's layers and its own tower (vllm models/step3p7.py)",
    "VoxtralForConditionalGeneration": "the judge's transformers lacks a field of its tower",
}
"""Architectures that vLLM was not asked about, and why their figures follow from those of another."""
LLAMA = {
    "model_type": "llama",
    "hidden_size": 4096,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "intermediate_size": 14336,
    "vocab_size": 128256,
    "max_position_embeddings": 8192,
}


def judged() -> set[str]:
    """Architectures about which vLLM gave figures, or refused one."""
    configs = {row["id"]: row["config"] for row in vllm_data.lines("configs.jsonl")}
    return {
        arch
        for release in vllm_memory.releases()
        for answer in vllm_memory.answers(release)
        for arch in configs[vllm_memory.questions()[answer["id"]]["model"]].get("architectures") or []
    }


def asked(arch: str, release: str) -> Estimate:
    """A Llama under another name: figures are none of its own, the outcome is."""
    args = read_engine_args(("--max-model-len=4096",), 1, release)
    facts = ModelFacts(config={**LLAMA, "architectures": [arch]})
    return estimate(facts, gpu_for(vllm_data.CARD, count=1), args, vllm=release)


@pytest.mark.parametrize("release", vllm_memory.releases())
def test_each_architecture_of_a_registry_was_judged_or_says_what_is_missing(release: str) -> None:
    profile, known = profile_for(release), judged() | set(ALIKE) | drafts() | set(missing_pieces())
    registry = {
        arch
        for arch, span in architecture_spans().items()
        if span.first <= profile.number and (span.last is None or profile.number[:2] <= span.last[:2])
    }
    assert len(registry) > 350
    assert sorted(registry - known) == []


def test_no_architecture_stands_in_two_places() -> None:
    places = (judged() - {"MuseGlimmerAssistantModel"}, set(ALIKE), set(drafts()), set(missing_pieces()))
    names = [name for place in places for name in place]
    assert sorted({name for name in names if names.count(name) > 1}) == []


@pytest.mark.parametrize("arch", sorted(missing_pieces()))
def test_what_no_rule_sizes_is_unknown_and_names_the_piece(arch: str) -> None:
    release = next(each for each in ("0.33.0", "0.28.0", "0.24.0") if listed(arch, profile_for(each)))
    found = asked(arch, release)
    assert found.outcome is Outcome.UNKNOWN
    assert missing_pieces()[arch] in found.why


@pytest.mark.parametrize("arch", sorted(drafts()))
def test_a_draft_alone_is_unknown(arch: str) -> None:
    release = next(each for each in ("0.33.0", "0.28.0", "0.24.0") if listed(arch, profile_for(each)))
    assert "runs beside the model" in asked(arch, release).why
