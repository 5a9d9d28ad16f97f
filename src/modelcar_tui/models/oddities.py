"""What of a model config.json leaves undescribed, or nobody has modelled."""

from __future__ import annotations

from modelcar_tui.models.compressed import compressed_of
from modelcar_tui.models.config import Reader
from modelcar_tui.models.details import indexer_of
from modelcar_tui.models.families import INDEXER, Family
from modelcar_tui.models.states import StateLayer


def oddities_of(
    read: Reader, family: Family, kinds: tuple[str, ...], state: StateLayer | None
) -> tuple[str, ...]:
    """Why a model is not sized from its config, if so."""
    odd: list[str] = []
    compresses = read.has("compress_ratios") or read.has("o_lora_rank")
    if compresses and compressed_of(read, len(kinds)) is None:
        odd.append("config.json does not describe its compressed attention")
    if family.blocks and not read.listing("block_configs", most=2048):
        odd.append("config.json does not describe its blocks")
    if "state" in kinds and state is None:
        odd.append("its state-space layers are not described in config.json")
    if family.mixed and "state" not in kinds and not _says_layers(read):
        odd.append("config.json does not say which of its layers are attention")
    if family.unmodelled:
        odd.append(family.unmodelled)
    elif not read.has("compress_ratios") and _has_indexer(read) and not indexer_of(read, len(kinds)):
        odd.append(INDEXER)
    return tuple(odd)


def _says_layers(read: Reader) -> bool:
    return bool(
        read.listing("layer_types", "layers_block_type", "attn_layer_indices", "full_attn_idxs")
        or read.text("hybrid_override_pattern")
    )


def _has_indexer(read: Reader) -> bool:
    return read.has("index_topk") or bool(read.mapping("sparse_attention_config"))
