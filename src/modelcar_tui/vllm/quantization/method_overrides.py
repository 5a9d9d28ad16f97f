"""Methods that take the place of the one that a checkpoint declares (override_quantization_method)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from modelcar_tui.vllm.quantization.declaration import AskedQuantization, algorithm_of
from modelcar_tui.vllm.quantization.dtypes import model_type_of
from modelcar_tui.vllm.quantization_table import Override, quantization_table
from modelcar_tui.vllm.release import reached

_MARLIN_GROUPS = (-1, 32, 64, 128)


def overrides(asked: AskedQuantization, raw: Mapping[str, Any]) -> Iterator[Override]:
    """What takes the declared method's place, in vLLM's order."""
    for row in quantization_table().overrides:
        inside = reached(row.since, asked.release) and not (row.until and reached(row.until, asked.release))
        if inside and _applies(row, asked, raw):
            yield row


def _applies(row: Override, asked: AskedQuantization, raw: Mapping[str, Any]) -> bool:
    if row.takes is not None and asked.user not in row.takes:
        return False
    if row.declares and row.declares != raw["quant_method"]:
        return False
    said = raw.get("checkpoint_format") == row.layout or raw.get(f"is_{row.layout}_format") is True
    if row.layout and not said:
        return False
    if row.algorithm and not re.fullmatch(row.algorithm, algorithm_of(raw)):
        return False
    config = asked.facts.config if asked.facts else None
    if row.model_type and model_type_of(config) != row.model_type:
        return False
    return {"": True, "marlin": _marlin(asked, raw), "wna16": _wna16(asked, raw)}[row.needs]


def _marlin(asked: AskedQuantization, raw: Mapping[str, Any]) -> bool:
    """Whether Marlin multiplies the checkpoint's weights (is_gptq_marlin_compatible,
    is_awq_marlin_compatible, marlin_utils.query_marlin_supported_quant_types)."""
    since = 75 if reached("0.14.0", asked.release) else 80
    gpu = asked.gpu
    if gpu is not None and gpu.column == "nvidia" and gpu.capability < since:
        return False
    bits, group = raw.get("bits"), raw.get("group_size")
    if group not in _MARLIN_GROUPS:
        return False
    if raw["quant_method"] == "awq":
        widths = (4,) if reached("0.9.0", asked.release) else (4, 8)
        return bits in widths and raw.get("zero_point") is True
    return bits in (4, 8) and raw.get("sym") is True and raw.get("desc_act") is not None


def _wna16(asked: AskedQuantization, raw: Mapping[str, Any]) -> bool:
    """MoeWNA16Config.is_moe_wna16_compatible."""
    bits, ordered = raw.get("bits"), bool(raw.get("desc_act"))
    if raw["quant_method"] == "gptq":
        return bits in (4, 8) and (not ordered or reached("0.30.0", asked.release))
    weak = asked.gpu is not None and asked.gpu.column == "nvidia" and asked.gpu.capability < 75
    return bits == 4 and not weak
