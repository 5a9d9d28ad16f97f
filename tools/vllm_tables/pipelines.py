"""Architectures that a release of vLLM can't cut into pipeline stages: classes without `SupportsPP`."""

from __future__ import annotations

import ast

from vllm_judge.source import Source
from vllm_tables.stores import Names, NameTable

_MODELS = "vllm/model_executor/models/"
_REGISTRY = _MODELS + "registry.py"


def without_pipeline(source: Source) -> tuple[str, ...]:
    """Names of registered architectures whose class does not inherit `SupportsPP`; drafts are left out."""
    if _REGISTRY not in source.paths:
        return ()
    bases: dict[str, set[str]] = {}
    for path in source.paths:
        if path.startswith(_MODELS):
            for node in ast.walk(source.tree(path)):
                if isinstance(node, ast.ClassDef):
                    named = {ast.unparse(base).partition("[")[0].rpartition(".")[2] for base in node.bases}
                    bases.setdefault(node.name, set()).update(named)
    found = {
        name
        for name, kind in _registered(source)
        if not _inherits(kind, bases, frozenset()) and not _draft(name)
    }
    return tuple(sorted(found))


def _registered(source: Source) -> list[tuple[str, str]]:
    """Architecture and class, from dictionaries of `"Name": ("module", "Class")`."""
    pairs = []
    for node in ast.walk(source.tree(_REGISTRY)):
        if isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values, strict=True):
                if isinstance(key, ast.Constant) and isinstance(value, ast.Tuple) and len(value.elts) == 2:
                    kind = value.elts[1]
                    if isinstance(kind, ast.Constant):
                        pairs.append((str(key.value), str(kind.value)))
    return pairs


def _inherits(kind: str, bases: dict[str, set[str]], seen: frozenset[str]) -> bool:
    if kind == "SupportsPP":
        return True
    return any(_inherits(base, bases, seen | {kind}) for base in bases.get(kind, ()) if base not in seen)


def _draft(name: str) -> bool:
    lowered = name.lower()
    return lowered.endswith("mtp") or any(
        word in lowered for word in ("mtpmodel", "eagle", "draft", "medusa")
    )


def _names(source: Source) -> Names | None:
    """None before models said of themselves whether they can be cut."""
    says = any("class SupportsPP(" in source.text(path) for path in source.paths if path.startswith(_MODELS))
    return {"without pipeline stages": list(without_pipeline(source))} if says else None


TABLE = NameTable(
    name="pipelines",
    file="pipelines.json",
    about="Architectures that vLLM can't cut into pipeline stages: the registered class does not "
    "inherit SupportsPP; "
    "drafts are left out.",
    reader=_names,
)
