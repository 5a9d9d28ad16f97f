"""Which models of transformers vLLM's backend for them can run, for releases without a model of their own.

    python tools/vllm_judge backend 0.32.0

writes what the release's transformers says into `src/modelcar_tui/vllm/transformers_backend.json`: each class
of a model that the registry may be asked for, and whether it takes vLLM's attention
(vllm model_executor/models/registry.py, _try_resolve_transformers).
"""

from __future__ import annotations

import argparse
import ast
import inspect
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from vllm_judge import apart, engine, environment
from vllm_judge.card import Card
from vllm_judge.source import Source, version_of

_SOURCE = (
    "transformers' model classes: `takes` where is_backend_compatible() is true, `settable` where only "
    "_can_set_attn_implementation() is (vllm model_executor/models/registry.py _try_resolve_transformers). "
    "Of those without a base_model_tp_plan, `heads` have their query, key and value apart, so that vLLM cuts "
    "these, and `whole` have not (model_executor/models/transformers/base.py recursive_replace). `routed`: "
    "what a registry lists as transformers' own, from this release on"
)
_APART, _GATED = re.compile(r"self\.(q_proj|query|q_lin)\b"), re.compile(r"self\.(gate_proj|gate_up_proj)\b")
TABLE = Path(__file__).parents[2] / "src" / "modelcar_tui" / "vllm" / "transformers_backend.json"
_TASKS = (
    "ForCausalLM",
    "LMHeadModel",
    "ForConditionalGeneration",
    "ForSequenceClassification",
    "ForTokenClassification",
    "ForMaskedLM",
    "Model",
)


def models() -> Iterator[tuple[str, str, str]]:
    """Names of transformers' model classes, how vLLM may use them, and what it does not cut of them."""
    import transformers

    for name in sorted(dir(transformers)):
        if not name.endswith(_TASKS) or name.endswith(("PreTrainedModel", "PretrainedModel")):
            continue
        try:
            found: Any = getattr(transformers, name)
            settable = getattr(found, "_can_set_attn_implementation", lambda: False)
            use = "takes" if found.is_backend_compatible() else "settable" if settable() else ""
        except Exception:  # noqa: BLE001 - a package that it needs is missing, and so it is in vLLM's image
            continue
        if use:
            yield name, use, _uncut(found)


def _uncut(found: Any) -> str:
    """`heads`, `whole`, or nothing for a class that has a plan or whose layers fuse into cut ones."""
    configs = [found.config_class, *(getattr(found.config_class, "sub_configs", None) or {}).values()]
    if any(getattr(config, "base_model_tp_plan", None) for config in configs):
        return ""
    text = inspect.getsource(sys.modules[found.__module__])
    if not _APART.search(text):
        return "whole"
    return "" if _GATED.search(text) else "heads"


def routed(source: Source) -> list[str]:
    """Architectures that the release's registry lists and leaves to transformers."""
    return sorted(
        str(key.value)
        for node in ast.walk(source.tree("vllm/model_executor/models/registry.py"))
        if isinstance(node, ast.Dict)
        for key, value in zip(node.keys, node.values, strict=True)
        if isinstance(key, ast.Constant)
        and isinstance(value, ast.Tuple)
        and isinstance(value.elts[0], ast.Constant)
        and value.elts[0].value == "transformers"
        and not str(key.value).startswith("Transformers")
    )


def _changes(rows: dict[str, str]) -> dict[str, str]:
    """Only releases that differ from the one before."""
    ordered = sorted(rows, key=lambda release: [int(part) for part in release.split(".")])
    before = dict(zip(ordered[1:], ordered, strict=False))
    return {
        release: rows[release] for release in ordered if rows[release] != rows.get(before.get(release, ""))
    }


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The release whose time's transformers is asked."""
    parser.add_argument("release")


def run(options: argparse.Namespace) -> int:
    """Write the release's part of the table."""
    tree = environment.enter(options.release)
    apart.without_network()
    engine.prepare(tree, Card())  # transformers wants what of PyTorch's extensions is not compiled here
    import transformers

    kept = json.loads(TABLE.read_text("utf-8")) if TABLE.is_file() else {"versions": {}, "routed": {}}
    rows: dict[str, list[str]] = {"takes": [], "settable": [], "heads": [], "whole": []}
    for name, use, uncut in models():
        rows[use].append(name)
        if uncut:
            rows[uncut].append(name)
    release = version_of(options.release)
    kept["source"] = _SOURCE
    kept["versions"][transformers.__version__] = {kind: " ".join(names) for kind, names in rows.items()}
    kept["routed"] = _changes({**kept["routed"], release: " ".join(routed(Source.open(options.release)))})
    TABLE.write_text(json.dumps(kept, indent=1) + "\n", "utf-8")
    print(release, {kind: len(names) for kind, names in rows.items()})
    return 0
