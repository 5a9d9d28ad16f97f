"""The defaults of transformers' configuration classes of encoders, for config.json files that leave them out.

    pip download --no-deps transformers==5.24.0
    python tools/tower_defaults.py transformers-5.24.0-*.whl .vllm-judge/releases/0.32.0

Reads every `configuration_*.py`, and the configuration classes that vLLM keeps itself and takes instead, by
`ast` alone (nothing of theirs is imported or run), and writes
`src/modelcar_tui/models/towers/class_defaults.json`: for each composite what its parts are and are made with,
and for each composite and each part that is no language model the constants of its class.
"""

from __future__ import annotations

import argparse
import ast
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from class_defaults import Classes, classes_in

TABLE = Path(__file__).parent.parent / "src/modelcar_tui/models/towers/class_defaults.json"
_TEXT = ("text_config", "decoder", "decoder_config")
_LONGEST = 64
_UNTOLD = re.compile(
    r"dropout|drop_|initializer|token_id|token_index|_eps$|_std$|_act$|activation|loss|theta|rope|layerdrop"
    r"|_token$|^bos|^eos|^pad|epsilon|scaling|use_cache|time_step|mask_|^base_config_key$|^extra_|^model_type$"
    r"|^output_hidden|^return_dict|^chunk_size_feed|^is_encoder_decoder$|^tie_word"
)
"""What says nothing about the sizes of weights."""
_KEPT = ("hidden_act",)


def literal(node: ast.expr) -> Any:
    """The value of a constant, a product or a list of them; None for anything else."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        left, right = literal(node.left), literal(node.right)
        return left * right if isinstance(left, int) and isinstance(right, int) else None
    try:
        found = ast.literal_eval(node)
    except (ValueError, TypeError):
        return None
    return list(found) if isinstance(found, tuple) else found


def stated(classes: Classes, name: str) -> dict[str, Any]:
    """Constants of a class and of those it is derived from that may decide about sizes."""
    found = classes.values(name, _assigned)
    return {key: value for key, value in found.items() if _tells(key, value)}


def _assigned(statement: ast.stmt) -> Iterator[tuple[str, Any]]:
    if isinstance(statement, ast.FunctionDef) and statement.name == "__init__":
        told = statement.args
        pairs: list[tuple[ast.arg, ast.expr | None]] = []
        pairs += zip(reversed(told.args), reversed(told.defaults), strict=False)
        pairs += zip(told.kwonlyargs, told.kw_defaults, strict=True)
        for argument, default in pairs:
            if default is not None:
                yield argument.arg, literal(default)
    elif isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name) and statement.value:
        yield statement.target.id, literal(statement.value)


def _tells(key: str, value: Any) -> bool:
    if value is None or key.startswith("_") or (_UNTOLD.search(key) and key not in _KEPT):
        return False
    if isinstance(value, dict):
        return False
    return not isinstance(value, list) or len(value) <= _LONGEST


def parts(classes: Classes, name: str) -> dict[str, tuple[str, dict[str, Any]]]:
    """A composite's parts: the class's `model_type`, and what it is made with where config.json has none."""
    found: dict[str, tuple[str, dict[str, Any]]] = {}
    for statement in classes.nodes[name].body:
        target = statement.targets[0] if isinstance(statement, ast.Assign) else None
        target = statement.target if isinstance(statement, ast.AnnAssign) else target
        if target is None or ast.unparse(target) not in ("sub_configs_defaults", "sub_configs"):
            continue
        assert isinstance(statement, ast.Assign | ast.AnnAssign)
        if not isinstance(statement.value, ast.Dict):
            continue
        for key, value in zip(statement.value.keys, statement.value.values, strict=True):
            assert isinstance(key, ast.Constant)
            found[str(key.value)] = _part(classes, value)
    return found


def _part(classes: Classes, value: ast.expr) -> tuple[str, dict[str, Any]]:
    if isinstance(value, ast.Name):
        return str(classes.values(value.id).get("model_type") or ""), {}
    assert isinstance(value, ast.Call)
    told = {word.arg: word.value for word in value.keywords}
    kind = literal(told["model_type"]) if "model_type" in told else None
    if kind is None and isinstance(told.get("config_class"), ast.Name):
        kind = classes.values(told["config_class"].id).get("model_type")  # type: ignore[attr-defined]
    made = literal(told["init_kwargs"]) if "init_kwargs" in told else {}
    return str(kind or ""), {key: value for key, value in (made or {}).items() if _tells(key, value)}


def tables(classes: Classes) -> tuple[dict[str, Any], dict[str, Any]]:
    """Parts by composite, and constants by `model_type`."""
    kinds: dict[str, str] = {}
    for name in sorted(classes.nodes):
        kinds.setdefault(str(classes.values(name).get("model_type") or ""), name)
    composites = {kind: parts(classes, name) for kind, name in kinds.items() if kind}
    composites = {kind: found for kind, found in composites.items() if found}
    wanted = {kind for found in composites.values() for key, (kind, _) in found.items() if key not in _TEXT}
    wanted.discard("")
    wanted |= composites.keys()
    rows = {kind: stated(classes, kinds[kind]) for kind in sorted(wanted) if kind in kinds}
    return composites, rows


def _kept_by_vllm(folder: Path) -> Classes:
    """The configuration classes in vLLM's own files."""
    files = sorted((folder / "vllm/transformers_utils/configs").glob("*.py"))
    return Classes(file.read_text("utf-8") for file in files)


def main(argv: list[str]) -> int:
    """Write the table; the number of classes is told."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("wheel", type=Path, help="transformers' wheel")
    parser.add_argument("vllm", type=Path, help="where a release of vLLM's lies unpacked")
    options = parser.parse_args(argv)
    wheel: Path = options.wheel
    composites, rows = tables(classes_in(wheel))
    own_composites, own_rows = tables(_kept_by_vllm(options.vllm))
    composites |= own_composites
    rows |= {kind: {**rows.get(kind, {}), **row} for kind, row in own_rows.items()}
    source = (
        f"transformers {wheel.name.split('-')[1]}, models/*/configuration_*.py; "
        f"vllm {options.vllm.name}, transformers_utils/configs"
    )
    text = [f'{{\n "source": {json.dumps(source)},\n "parts": {{\n', _lines(composites), "\n },\n"]
    text += [' "classes": {\n', _lines(rows), "\n }\n}\n"]
    TABLE.write_text("".join(text), "utf-8")
    print(f"{len(composites)} composites, {len(rows)} classes of {source}")
    return 0


def _lines(rows: dict[str, Any]) -> str:
    return ",\n".join(f"  {json.dumps(kind)}: {json.dumps(row)}" for kind, row in sorted(rows.items()))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
