"""The defaults of transformers' configuration classes, for config.json files that state only what differs.

    pip download --no-deps transformers==5.24.0 && python tools/class_defaults.py transformers-5.24.0-*.whl

Reads every `configuration_*.py` by `ast` alone (nothing of transformers' is imported or run) and writes
`src/modelcar_tui/models/class_defaults.json`: for each `model_type` with a vocabulary the values that decide
about memory, and for each composite the `model_type` of its text part and whether its class ties the
embeddings.
"""

from __future__ import annotations

import argparse
import ast
import json
import re
import sys
import zipfile
from collections.abc import Callable, Iterable, Iterator
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
    "max_window_layers",
    "sliding_window_pattern",
    "sliding_window_size",
    "use_sliding_window",
    "attention_chunk_size",
    "attention_bias",
    "qkv_bias",
    "use_qkv_bias",
    "add_qkv_bias",
    "gating",
    "multi_query",
    "new_decoder_architecture",
    "num_kv_heads",
    "n_head_kv",
    "global_head_dim",
    "num_global_key_value_heads",
    "attention_k_eq_v",
    "num_kv_shared_layers",
    "use_double_wide_mlp",
    "hidden_size_per_layer_input",
    "vocab_size_per_layer_input",
    "altup_num_inputs",
    "laurel_rank",
    "partial_rotary_factor",
    "rotary_pct",
    "rotary_dim",
    "rope_local_base_freq",
    "position_embedding_type",
    "use_mem_rope",
    "rotary",
    "alibi",
    "moe_num_experts",
    "moe_num_shared_experts",
    "moe_layer_start_index",
    "moe_layer_interval",
    "moe_layer_freq",
    "moe_k",
    "moe_topk",
    "moe_latent_size",
    "routed_expert_hidden_size",
    "num_shared_experts",
    "shared_intermediate_size",
    "moe_shared_expert_intermediate_size",
    "intermediate_size_mlp",
    "dense_intermediate_size",
    "num_dense_layers",
    "decoder_sparse_step",
    "interleave_moe_layer_step",
    "expert_layer_period",
    "expert_layer_offset",
    "attn_layer_period",
    "attn_layer_offset",
    "full_attention_interval",
    "index_n_heads",
    "index_head_dim",
    "index_topk",
    "index_topk_freq",
    "index_skip_topk_offset",
    "linear_conv_kernel_dim",
    "linear_key_head_dim",
    "linear_num_key_heads",
    "linear_num_value_heads",
    "linear_value_head_dim",
    "mamba_d_conv",
    "mamba_d_head",
    "mamba_d_ssm",
    "mamba_d_state",
    "mamba_dt_rank",
    "mamba_expand",
    "mamba_head_dim",
    "mamba_headdim",
    "mamba_n_groups",
    "mamba_ngroups",
    "mamba_n_heads",
    "mamba_num_heads",
    "n_mamba_heads",
    "n_groups",
    "ssm_state_size",
    "state_size",
    "conv_kernel",
    "expand",
    "time_step_rank",
    "num_heads",
    "conv_L_cache",
    "conv_dim",
    "block_auto_adjust_ff_dim",
    "block_ffn_dim_multiplier",
    "block_multiple_of",
    "adapter_rank",
    "num_mem_blocks",
    "hc_mult",
    "o_groups",
    "o_lora_rank",
    "num_hash_layers",
    "hidden_act",
    "n_inner",
    "ffn_dim",
    "ffn_hidden_size",
    "type_vocab_size",
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

Assigned = Callable[[ast.stmt], Iterable[tuple[str, Any]]]


class Classes:
    """The configuration classes by name, with what each one states itself."""

    def __init__(self, sources: Iterator[str]) -> None:
        self.nodes: dict[str, ast.ClassDef] = {}
        for source in sources:
            for node in ast.parse(source).body:
                if isinstance(node, ast.ClassDef):
                    self.nodes.setdefault(node.name, node)

    def values(self, name: str, assigned: Assigned | None = None) -> dict[str, Any]:
        """Constants of the class and of those that it is derived from.

        Args:
            assigned: what a statement of a class assigns; None: constants to names.
        """
        node = self.nodes.get(name)
        if node is None:
            return {}
        found: dict[str, Any] = {}
        for base in reversed(node.bases):
            if isinstance(base, ast.Name) and base.id != name:
                found |= self.values(base.id, assigned)
        for statement in node.body:
            found |= dict((assigned or _assigned)(statement))
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


def classes_in(wheel: Path) -> Classes:
    """Those of transformers' wheel."""
    with zipfile.ZipFile(wheel) as archive:
        names = sorted(name for name in archive.namelist() if re.search(r"/configuration_\w+\.py$", name))
        return Classes(archive.read(name).decode() for name in names)


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


def tied(classes: Classes, composites: dict[str, str]) -> dict[str, bool]:
    """Of each composite whose class says so, whether its embeddings are tied."""
    found: dict[str, bool] = {}
    for name in sorted(classes.nodes):
        values = classes.values(name)
        kind, told = str(values.get("model_type") or ""), values.get("tie_word_embeddings")
        if kind in composites and isinstance(told, bool):
            found.setdefault(kind, told)
    return found


def table(classes: Classes) -> tuple[dict[str, dict[str, Any]], dict[str, str]]:
    """Defaults by `model_type`, and the text part's `model_type` by the composite's."""
    types = {name: str(classes.values(name).get("model_type") or "") for name in classes.nodes}
    defaults: dict[str, dict[str, Any]] = {}
    parts: dict[str, str] = {}
    for name, kind in sorted(types.items()):
        if not kind:
            continue
        values = classes.values(name)
        stated = {
            size: values[size] for size in SIZES if isinstance(values.get(size), bool | int | float | str)
        }
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
    classes = classes_in(wheel)
    defaults, parts = table(classes)
    rows = ",\n".join(f"  {json.dumps(kind)}: {json.dumps(row)}" for kind, row in sorted(defaults.items()))
    source = f"transformers {release}, models/*/configuration_*.py"
    text = f'{{\n "source": {json.dumps(source)},\n "defaults": {{\n{rows}\n }},\n'
    text += f' "text_part": {json.dumps(dict(sorted(parts.items())))},\n'
    TABLE.write_text(
        f'{text} "tied": {json.dumps(dict(sorted(tied(classes, parts).items())))}\n}}\n', "utf-8"
    )
    print(f"{len(defaults)} classes, {len(parts)} composites of {source}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
