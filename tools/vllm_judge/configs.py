"""The config.json files that the judge is asked about: public ones, and transformers' defaults for the rest.

    python tools/vllm_judge configs 0.32.0

adds, for each architecture of the release's registry that no row of `tests/data/vllm/configs.jsonl` names,
what transformers writes for a fresh config of that architecture's class. Sizes of such a row may be no real
model's, but they are whole, and vLLM and we read the same ones.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from vllm_judge import environment
from vllm_judge.source import Source

DATA = Path(__file__).parents[2] / "tests" / "data" / "vllm"
_BOILERPLATE = {
    "output_hidden_states": False,
    "output_attentions": False,
    "return_dict": True,
    "chunk_size_feed_forward": 0,
    "problem_type": None,
    "id2label": {"0": "LABEL_0", "1": "LABEL_1"},
    "label2id": {"LABEL_0": 0, "LABEL_1": 1},
    "_name_or_path": "",
}
"""What every class of transformers writes; left out, it is read as the same."""
_DRAFTS = ("mtp", "eagle", "draft", "medusa", "mlpspeculator", "dspark", "dflash")


def read(path: Path = DATA / "configs.jsonl") -> dict[str, dict[str, Any]]:
    """Every config.json by its name."""
    rows = (json.loads(line) for line in path.read_text("utf-8").splitlines())
    return {row["id"]: row["config"] for row in rows}


def stripped(part: Any) -> Any:
    """Without what says nothing."""
    if isinstance(part, dict):
        return {
            key: stripped(value)
            for key, value in part.items()
            if key != "transformers_version" and (key not in _BOILERPLATE or value != _BOILERPLATE[key])
        }
    return [stripped(item) for item in part] if isinstance(part, list) else part


def registered(source: Source) -> list[str]:
    """Architectures of the registry, drafts aside: they are no models of their own."""
    import ast

    names: set[str] = set()
    for node in ast.walk(source.tree("vllm/model_executor/models/registry.py")):
        if isinstance(node, ast.Dict):
            names |= {
                str(key.value)
                for key, value in zip(node.keys, node.values, strict=True)
                if isinstance(key, ast.Constant) and isinstance(value, ast.Tuple) and len(value.elts) == 2
            }
    return sorted(name for name in names if not any(word in name.lower() for word in _DRAFTS))


def defaults(architectures: list[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Transformers' own config for each architecture that it has a class for."""
    from transformers import AutoConfig

    kinds = _model_types()
    for name in architectures:
        if name not in kinds:
            continue
        try:
            made = AutoConfig.for_model(kinds[name]).to_dict()
        except Exception:  # noqa: BLE001 - a composite that can't be made without its parts
            continue
        whole = json.loads(json.dumps(made, default=str)) | {
            "architectures": [name],
            "torch_dtype": "bfloat16",
        }
        yield name, stripped(whole)


def _model_types() -> dict[str, str]:
    from transformers.models.auto import modeling_auto

    found: dict[str, str] = {}
    tables = [name for name in dir(modeling_auto) if name.endswith("_MAPPING_NAMES")]
    for table in sorted(tables, key=lambda name: not name.startswith("MODEL_FOR_")):
        for kind, classes in getattr(modeling_auto, table).items():
            for name in classes if isinstance(classes, (list, tuple)) else [classes]:
                found.setdefault(name, kind)
    return found


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The release whose registry counts."""
    parser.add_argument("release")


def run(options: argparse.Namespace) -> int:
    """Append the rows that are missing."""
    environment.enter(options.release)
    path = DATA / "configs.jsonl"
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    known = {name for row in rows for name in row["config"].get("architectures") or []}
    wanted = [name for name in registered(Source.open(options.release)) if name not in known]
    for name, config in defaults(wanted):
        rows.append({"id": name, "source": "transformers' defaults", "config": config})
    rows.sort(key=lambda row: str(row["id"]).lower())
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
    print(f"{path}: {len(rows)} config.json files")
    return 0
