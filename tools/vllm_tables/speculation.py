"""Models whose own layers a release takes for a draft, from `SpeculativeConfig.hf_config_override`."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from vllm_judge.source import Source
from vllm_tables.stores import Names, NameTable
from vllm_tables.syntax import definitions

_FUNCTION = "SpeculativeConfig.hf_config_override"
_ABOUT_THE_MODEL = ("model_type", "architecture")


def heads(source: Source) -> tuple[str, ...]:
    """Model types and architectures that are compared with there."""
    found = definitions(source, _FUNCTION, ("vllm/",))
    return tuple(sorted({name for node in found for name in _compared(node)}))


def _compared(node: ast.stmt) -> Iterator[str]:
    for compare in ast.walk(node):
        if isinstance(compare, ast.Compare) and any(
            word in ast.unparse(compare.left) for word in _ABOUT_THE_MODEL
        ):
            for side in compare.comparators:
                yield from (
                    part.value
                    for part in ast.walk(side)
                    if isinstance(part, ast.Constant) and isinstance(part.value, str)
                )


def _names(source: Source) -> Names | None:
    """None before a model could be its own draft."""
    found = heads(source)
    return {"heads": list(found)} if found else None


TABLE = NameTable(
    name="speculation",
    file="speculation.json",
    about="Model types and architectures whose own layers vLLM takes for a draft (method mtp), "
    "by the span of read releases.",
    reader=_names,
)
