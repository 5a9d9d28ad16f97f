"""Values with a form of their own (vLLM's LoRAParserAction, PromptAdapterParserAction, EngineArgs of 0.8.5,
validate_reasoning_effort_map)."""

from __future__ import annotations

import json
import re

from modelcar_tui.vllm.argument_table import Flag
from modelcar_tui.vllm.arguments.values import decimal, object_of
from modelcar_tui.vllm.release import reached

_ITEM = re.compile(r"{[^{}]*}|\S+")
_DEVICES = ("auto", "cpu", "cuda", "xpu", "tpu", "hpu", "npu")
"""The parser takes the first two and the kind of device of its own platform, `cuda` for ROCm, too."""
_KEYS = ("name", "path", "base_model_name", "is_3d_lora_weight")
"""Of an adapter (LoRAModulePath), which takes no others."""
_STACKED = "0.22.0"
"""Since when there is the last of these keys."""
_MORE_SIGNS = "0.32.0"
"""Since when a path may have a `=` in it."""


def item_fault(flag: Flag, value: str, release: str) -> str:
    """What is wrong with such a value; empty when nothing is, and for every other flag.

    Args:
        value: of a list its items, joined by blanks.
    """
    if flag.flag == "--lora-modules":
        return next(filter(None, (_adapter_fault(item, release) for item in _ITEM.findall(value))), "")
    if flag.flag == "--mm-processor-device":
        return "" if value in _DEVICES else f"it is one of {', '.join(_DEVICES)}"
    if flag.flag == "--prompt-adapters":
        return "" if all(item.count("=") == 1 for item in value.split()) else "an adapter is NAME=PATH"
    if flag.flag == "--reasoning-effort-map":
        return "" if object_of(flag, value) is not None else "it wants an object"
    if flag.flag == "--long-lora-scaling-factors" and flag.kind == "list":
        return "" if all(decimal(one) is not None for one in value.split()) else "it wants numbers"
    return ""


def _adapter_fault(item: str, release: str) -> str:
    """`name=path`, or an object with both."""
    if "=" in item and "," not in item:
        many = item.count("=") > 1 and not reached(_MORE_SIGNS, release)
        return f"{item} has more than one =" if many else ""
    try:
        found = json.loads(item)
    except (ValueError, RecursionError):
        return f"{item} is neither NAME=PATH nor an object"
    if not isinstance(found, dict):
        return "an adapter wants an object with name and path"
    known = _KEYS if reached(_STACKED, release) else _KEYS[:-1]
    if others := [key for key in found if key not in known]:
        return f"an adapter has no {' and no '.join(others[:3])}, only {', '.join(known)}"
    lacking = [key for key in ("name", "path") if key not in found]
    return f"an adapter wants {' and '.join(lacking)}" if lacking else ""
