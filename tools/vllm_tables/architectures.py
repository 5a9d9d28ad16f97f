"""The architectures of a release's registry, and those that it says it has dropped."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from modelcar_tui.vllm import parse_version
from vllm_judge.source import Source
from vllm_tables.history import names_by_release, ordered, spans_of
from vllm_tables.layout import load, text_of
from vllm_tables.stores import said_names

_REGISTRIES = ("vllm/model_executor/models/registry.py", "vllm/model_executor/models/__init__.py")
"""The second one up to 0.6.0."""
_DROPPED, _ELSEWHERE = "_PREVIOUSLY_SUPPORTED_MODELS", "_OOT_SUPPORTED_MODELS"
"""What is no longer there, and what a plugin brings."""
_FILE = "architectures.json"


class Architectures:
    """`spans`: architectures by the read releases that register them; `dropped`: by vLLM's own word."""

    name = "architectures"

    def read(self, source: Source) -> dict[str, Any]:
        """`listed` and `dropped` of one release."""
        path = next((path for path in _REGISTRIES if path in source.paths), "")
        tables = dict(_tables(source.tree(path))) if path else {}
        listed = {
            name for table, names in tables.items() if table not in (_DROPPED, _ELSEWHERE) for name in names
        }
        dropped = {
            name: str(last) for name, last in tables.get(_DROPPED, {}).items() if parse_version(str(last))
        }
        return {"listed": sorted(listed), "dropped": dropped}

    def merge(self, folder: Path, read: Mapping[str, dict[str, Any]]) -> list[str]:
        """Put releases into the table; what the newest release says of what was dropped stands."""
        content = load(folder / _FILE)
        known = content.get("read", [])
        releases: dict[str, set[str]] = names_by_release(content.get("spans", {}), known)
        releases |= {release: set(found["listed"]) for release, found in read.items()}
        order = ordered(releases)
        dropped = dict(content.get("dropped", {}))
        for release in ordered(read):
            if release == order[-1] or not content:
                dropped |= read[release]["dropped"]
        written = {
            "source": "vllm model_executor/models/registry.py of the releases in `read`; "
            "`dropped` as vLLM itself says",
            "read": order,
            "spans": spans_of(releases),
            "dropped": {name: dropped[name] for name in sorted(dropped)},
        }
        (folder / _FILE).write_text(text_of(written), "utf-8")
        return [line for release in ordered(read) for line in said_names("architectures", release, releases)]


def _tables(tree: ast.Module) -> Iterator[tuple[str, dict[str, Any]]]:
    """The registry's dictionaries by name, with the text keys that they state themselves."""
    for node in tree.body:
        match node:
            case (
                ast.Assign(targets=[ast.Name(id=name)], value=ast.Dict(keys=keys, values=values))
                | ast.AnnAssign(target=ast.Name(id=name), value=ast.Dict(keys=keys, values=values))
            ):
                yield (
                    name,
                    {
                        str(key.value): value.value if isinstance(value, ast.Constant) else None
                        for key, value in zip(keys, values, strict=True)
                        if isinstance(key, ast.Constant)
                    },
                )


TABLE = Architectures()
