"""The defaults of transformers' configuration classes, for config.json files that state only what differs.

    pip download --no-deps transformers==5.24.0 && python tools/class_defaults.py transformers-5.24.0-*.whl

Reads every `configuration_*.py` by `ast` alone (nothing of transformers' is imported or run) and writes
`src/modelcar_tui/models/class_defaults.json`: for each `model_type` with a vocabulary the sizes that decide
about memory, and for each composite the `model_type` of its text part.
"""

from __future__ import annotations

import argparse
import ast
import json
import re
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

TABLE = Path(__file__).parent.parent / "src" / "modelcar_tui" / "models" / "class_defaults.json"
SIZES = (
    "vocab_size",
    "hidden_size",
    "intermediate_size",
    "num_hidden_layers",
    "num_attention_heads",
    "num_key_value_heads",
    "head_dim",
    "max_position_embeddings",
    "sliding_window",
    "tie_word_embeddings",
    "num_local_experts",
    "num_experts",
    "n_routed_experts",
    "num_experts_per_tok",
    "moe_intermediate_size",
    "shared_expert_intermediate_size",
    "n_shared_experts",
    "first_k_dense_replace",
    "kv_lora_rank",
    "q_lora_rank",
    "qk_rope_head_dim",
    "qk_nope_head_dim",
    "v_head_dim",
    "d_model",
    "decoder_layers",
    "decoder_attention_heads",
    "decoder_ffn_dim",
    "encoder_layers",
    "encoder_ffn_dim",
    "max_source_positions",
    "max_target_positions",
    "num_mel_bins",
    "n_embd",
    "n_layer",
    "n_head",
    "n_positions",
)
_PART = re.compile(
    r"'(?:text|llm|thinker)_config': "
    r"(?:SubConfigSpec\(config_class=\w+, model_type='(?P<kind>\w+)'|(?P<name>\w+))"
)
_NEEDED = (("vocab_size",), ("hidden_size", "d_model", "n_embd"))


class Classes:
    """The configuration classes by name, with what each one states itself."""

    def __init__(self, sources: Iterator[str]) -> None:
        self.nodes: dict[str, ast.ClassDef] = {}
        for source in sources:
            for node in ast.parse(source).body:
                if isinstance(node, ast.ClassDef):
                    self.nodes.setdefault(node.name, node)

    def values(self, name: str) -> dict[str, Any]:
        """Constants of the class and of those that it is derived from."""
        node = self.nodes.get(name)
        if node is None:
            return {}
        found: dict[str, Any] = {}
        for base in reversed(node.bases):
            if isinstance(base, ast.Name) and base.id != name:
                found |= self.values(base.id)
        for statement in node.body:
            found |= dict(_assigned(statement))
        return found

    def text_part(self, name: str) -> str:
        """The `model_type` of a composite's text part; empty where it has none."""
        for statement in self.nodes[name].body:
            target = ast.unparse(getattr(statement, "targets", [ast.Name("")])[0])
            if target == "sub_configs_defaults" and isinstance(statement, ast.Assign):
                found = _PART.search(ast.unparse(statement.value))
                if found is None:
                    return ""
                return found["kind"] or str(self.values(found["name"]).get("model_type") or "")
        return ""


def _assigned(statement: ast.stmt) -> Iterator[tuple[str, Any]]:
    if isinstance(statement, ast.AnnAssign) and statement.value is not None:
        target: ast.expr = statement.target
    elif isinstance(statement, ast.Assign) and len(statement.targets) == 1:
        target = statement.targets[0]
    else:
        return
    if isinstance(target, ast.Name):
        yield target.id, _constant(statement.value)


def _constant(value: ast.expr | None) -> Any:
    """The value of `4096` or `4096 * 32`; None for anything else."""
    if isinstance(value, ast.BinOp) and isinstance(value.op, ast.Mult):
        left, right = _constant(value.left), _constant(value.right)
        return left * right if isinstance(left, int) and isinstance(right, int) else None
    return value.value if isinstance(value, ast.Constant) else None


def table(classes: Classes) -> tuple[dict[str, dict[str, Any]], dict[str, str]]:
    """Defaults by `model_type`, and the text part's `model_type` by the composite's."""
    types = {name: str(classes.values(name).get("model_type") or "") for name in classes.nodes}
    defaults: dict[str, dict[str, Any]] = {}
    parts: dict[str, str] = {}
    for name, kind in sorted(types.items()):
        if not kind:
            continue
        values = classes.values(name)
        stated = {size: values[size] for size in SIZES if isinstance(values.get(size), int)}
        if all(any(size in stated for size in group) for group in _NEEDED):
            defaults.setdefault(kind, stated)
        if text := classes.text_part(name):
            parts[kind] = text
    return defaults, {kind: text for kind, text in parts.items() if text in defaults}


def main(argv: list[str]) -> int:
    """Write the table; the number of classes is told."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("wheel", type=Path, help="transformers' wheel")
    wheel: Path = parser.parse_args(argv).wheel
    release = wheel.name.split("-")[1]
    with zipfile.ZipFile(wheel) as archive:
        names = sorted(name for name in archive.namelist() if re.search(r"/configuration_\w+\.py$", name))
        defaults, parts = table(Classes(archive.read(name).decode() for name in names))
    rows = ",\n".join(f"  {json.dumps(kind)}: {json.dumps(row)}" for kind, row in sorted(defaults.items()))
    source = f"transformers {release}, models/*/configuration_*.py"
    text = f'{{\n "source": {json.dumps(source)},\n "defaults": {{\n{rows}\n }},\n'
    TABLE.write_text(f'{text} "text_part": {json.dumps(dict(sorted(parts.items())))}\n}}\n', "utf-8")
    print(f"{len(defaults)} classes, {len(parts)} composites of {source}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
