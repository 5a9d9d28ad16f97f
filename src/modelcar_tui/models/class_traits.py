"""What the name of a model's class tells that config.json does not."""

from __future__ import annotations

from modelcar_tui.models.config import Reader, makes_no_text
from modelcar_tui.models.families import Family
from modelcar_tui.models.towers.tower import Tower

_ENCODERS = (
    "OpenAIPrivacyFilter",
    "Bert",
    "Roberta",
    "XLMRoberta",
    "ModernBert",
    "NomicBert",
    "GteModel",
    "JinaRoberta",
    "Distilbert",
    "BgeM3",
    "ColBERTModernBert",
    "ColBERTJinaRoberta",
    "GteNew",
    "HF_ColBERT",
    "SiglipModel",
)
_SCORES = ("ForSequenceClassification", "ForTokenClassification", "ForRewardModel", "ForProcessRewardModel")
_BOTH_WAYS = (
    "SiglipModel",
    "EmbeddingGemma2Model",
    "LlamaBidirectional",
    "LlamaNemotronVL",
    "VoyageQwen3BidirectionalEmbedModel",
    "ErnieFor",
    "GritLM",
)
"""Beginnings of architectures that cache nothing whatever config.json says."""
_DEEPSTACKED = ("InternS1Pro", "Alpamayo2", "CohereCompass")
"""Beginnings of architectures without `Tower.media` that keep what the tower's inner layers put out (vllm
models/qwen3_vl.py)."""


def is_encoder(arch: str) -> bool:
    """Whether it has an encoder and no decoder."""
    return arch.startswith(_ENCODERS)


def is_headless(arch: str) -> bool:
    """Whether a decoder that scores has no output matrix (vllm models/adapters.py); Jamba keeps its own."""
    return arch.endswith(_SCORES) and not arch.startswith("Jamba")


def is_gated(arch: str, family: Family, *, speech: bool) -> bool:
    """Whether its MLPs have three matrices."""
    told = family.gated_encoder if is_encoder(arch) else family.gated
    return told and not speech and arch != "PhiForCausalLM"


def looks_both_ways(arch: str, read: Reader) -> bool:
    """Whether vLLM runs it with encoder-only attention (vllm model_executor/models/config.py)."""
    if arch.startswith(_BOTH_WAYS) or read.flag("is_causal") is False:
        return True
    told = read.flag("use_bidirectional_attention") is True
    return told and makes_no_text(arch) and read.text("model_type") == "gemma3_text"


def deepstack_of(arch: str, read: Reader, tower: Tower | None) -> int:
    """Inner layers of the tower whose outputs go to layers of their own."""
    if tower is not None and tower.media is not None:
        return tower.media.width - 1
    found = Reader(read.mapping("vision_config")).listing("deepstack_visual_indexes", most=256)
    return len(found) if arch.startswith(_DEEPSTACKED) else 0
