"""Makes `models/known_models.json` again: config.json of public models by name, each with its source.

    python tools/known_models.py [--wheel aiconfigurator_core-0.12.0-....whl] [--lists]

Without a wheel pip downloads it (80 MB; nothing is installed). A row that the package bundles is made from
its file; what vLLM was asked about as a public file (`tests/data/vllm/configs.jsonl`) comes next; the others
stay as they are, and say so. Sizes of checkpoints (`params`) stay where they are known, else they are
counted; a file that does not count to the known size is not taken. `lists` are what published quantizations
of them say, by their full names: with `--lists` only these are made again.
"""

from __future__ import annotations

import argparse
import json
import math
import re
import subprocess
import sys
import tempfile
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "src"))

from modelcar_tui.models import count_parameters  # noqa: E402
from modelcar_tui.models.class_defaults import left_out  # noqa: E402
from modelcar_tui.models.known import known_model  # noqa: E402

TABLE = ROOT / "src" / "modelcar_tui" / "models" / "known_models.json"
ASKED = ROOT / "tests" / "data" / "vllm" / "configs.jsonl"
PACKAGE = "aiconfigurator-core==0.12.0"
_FILE = re.compile(r".*/model_configs/(?P<publisher>[^/]+?)--(?P<name>.+)_config\.json")
_NAMES = """
_name_or_path add_cross_attention attention_dropout auto_map bad_words_ids begin_suppress_tokens
boa_token_id boi_token_id bos_token_id chunk_size_feed_forward cross_attention_hidden_size
decoder_start_token_id diversity_penalty do_sample dtype early_stopping encoder_no_repeat_ngram_size
eoa_token_id eoa_token_index eoi_token_id eos_token_id exponential_decay_length_penalty finetuning_task
forced_bos_token_id forced_eos_token_id id2label initializer_range is_decoder label2id length_penalty
max_length min_length no_repeat_ngram_size num_beam_groups num_beams num_return_sequences output_attentions
output_hidden_states output_router_logits output_scores pad_token_id prefix pretraining_tp problem_type
pruned_heads remove_invalid_values repetition_penalty return_dict return_dict_in_generate rms_norm_eps
router_aux_loss_coef sep_token_id suppress_tokens task_specific_params temperature tf_legacy_loss
tie_encoder_decoder tokenizer_class top_k top_p torch_dtype torchscript transformers_version typical_p
use_bfloat16 use_cache video_token_id vision_end_token_id vision_start_token_id image_token_id
"""
_SAYS_NOTHING = frozenset(_NAMES.split())
"""Fields without weight in memory."""
_ABOUT = (
    "tools/known_models.py: config.json of public models by the name they are published under, flat, without "
    "what has no weight in memory; each with its source, and `params`, the weights of the whole checkpoint; "
    "and the quantizations that published checkpoints list, from aiconfigurator-core 0.12.0"
)
_LEFT_OUT: dict[str, dict[str, Any]] = {
    "llama-4-": {
        "vision_config": {
            "hidden_size": 1408,
            "image_size": 336,
            "intermediate_size": 5632,
            "model_type": "llama4_vision_model",
            "num_attention_heads": 16,
            "num_channels": 3,
            "num_hidden_layers": 34,
            "patch_size": 14,
            "pixel_shuffle_ratio": 0.5,
            "projector_input_dim": 4096,
            "projector_output_dim": 4096,
            "vision_output_dim": 4096,
        }
    },
    "qwen3-vl-": {
        "rope_scaling": {"mrope_interleaved": True, "mrope_section": [24, 20, 20], "rope_type": "default"}
    },
}
"""What the public files of these models say and the bundled ones leave out."""
_PLAIN_LISTS = ("NVFP4", "FP8")
"""Algorithms whose lists say all: mixed ones name each layer, in files of up to 3 MB."""
_SMALL_MISTRALS = {
    "quant_method": "fp8",
    "activation_scheme": "static",
    "modules_to_not_convert": ["model.vision_tower", "model.multi_modal_projector", "lm_head"],
}
_BY_HAND: dict[str, dict[str, Any]] = {
    "mistralai/ministral-3-3b-instruct-2512": _SMALL_MISTRALS,
    "mistralai/ministral-3-8b-instruct-2512": _SMALL_MISTRALS,
    "mistralai/ministral-3-14b-instruct-2512": _SMALL_MISTRALS,
    "moonshotai/kimi-k2-thinking": {
        "quant_method": "compressed-tensors",
        "format": "pack-quantized",
        "config_groups": {
            "group_0": {
                "targets": ["Linear"],
                "weights": {
                    "num_bits": 4,
                    "type": "int",
                    "strategy": "group",
                    "group_size": 32,
                    "symmetric": True,
                    "dynamic": False,
                },
            }
        },
        "ignore": [
            "lm_head",
            "re:.*self_attn.*",
            "re:.*shared_experts.*",
            r"re:.*mlp\.(gate|up|gate_up|down)_proj.*",
        ],
    },
}
"""Of models that no package bundles, from their public config.json."""
_EACH = 10
"""Layers from which on one pattern stands for an entry of each."""
_WRITTEN = "the public file, written down by hand"
_APART = 0.02
_KNOWN = "as generally known; checked against the published size"


def bundled(wheel: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Names and config.json files of a package, without what it bundles in another quantization."""
    with zipfile.ZipFile(wheel) as archive:
        for path in archive.namelist():
            found = _FILE.fullmatch(path)
            if found and "hf_quant" not in path and not re.search(r"NVFP4|FP8", found["name"]):
                yield f"{found['publisher']}/{found['name']}", json.loads(archive.read(path))


def published(wheel: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Full names and quantizations, as config.json has them, else hf_quant_config.json."""
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        for path in sorted(names):
            found = _FILE.fullmatch(path)
            if not found or not re.search(r"NVFP4|FP8", found["name"]):
                continue
            told = json.loads(archive.read(path)).get("quantization_config")
            beside = path.replace("_config.json", "_hf_quant_config.json")
            if not told and beside in names:
                told = {"quant_method": "modelopt", **json.loads(archive.read(beside))}
            inner = (told or {}).get("quantization", told) or {}
            listed = inner.get("exclude_modules") or inner.get("ignore")
            if listed and inner.get("quant_algo") in _PLAIN_LISTS:
                yield f"{found['publisher']}/{found['name']}".lower(), _shortened(told)


def _shortened(told: dict[str, Any]) -> dict[str, Any]:
    """Without what tells nothing, and one pattern for what is listed of many layers."""
    kept = {name: value for name, value in told.items() if name not in ("producer", "config_groups")}
    for part in (kept, kept.get("quantization", {})):
        for name in ("exclude_modules", "ignore"):
            if isinstance(part.get(name), list):
                part[name] = _patterns(part[name])
    return kept


def _patterns(listed: list[str]) -> list[str]:
    layers = {name: re.sub(r"(?<=layers\.)\d+(?=\.)", "*", name) for name in listed}
    counts = Counter(layers.values())
    return list(dict.fromkeys(each if counts[each] >= _EACH else name for name, each in layers.items()))


def asked() -> Iterator[tuple[str, dict[str, Any]]]:
    """Public files that vLLM was asked about and whose weights are counted as vLLM builds them."""
    gaps = json.loads((ASKED.parent / "known_gaps" / "memory.json").read_text("utf-8"))
    doubtful = {
        gap["job"].partition(" tp")[0] for rows in gaps.values() for gap in rows if gap["what"] != "kv"
    }
    for line in ASKED.read_text("utf-8").splitlines():
        row = json.loads(line)
        named = row["id"] not in doubtful and re.fullmatch(r"[\w./-]+", row["id"]) and "--" not in row["id"]
        if named and row["source"].startswith("the public file, from memory"):
            yield row["id"], row["config"]


def flat(config: dict[str, Any]) -> dict[str, Any]:
    """The text part on top of the whole, without what has no weight in memory."""
    text = config.get("text_config") or {}
    whole = {**config, **text, "architectures": config.get("architectures")}
    whole.pop("text_config", None)
    stripped: dict[str, Any] = _stripped(whole)
    own = left_out({"model_type": whole.get("model_type")})  # null says that it is not the class's default
    return {key: value for key, value in stripped.items() if value is not None or own.get(key)}


def _stripped(part: Any) -> Any:
    if isinstance(part, dict):
        return {key: _stripped(value) for key, value in part.items() if key not in _SAYS_NOTHING}
    if isinstance(part, list):
        return [_stripped(item) for item in part]
    return None if isinstance(part, float) and not math.isfinite(part) else part  # no number of JSON's


def completed(name: str, config: dict[str, Any]) -> dict[str, Any]:
    """`config` with what files of that name always say."""
    added = (more for start, more in _LEFT_OUT.items() if name.startswith(start))
    return {**next(added, {}), **config}


def row(name: str, config: dict[str, Any], source: str, before: dict[str, Any]) -> dict[str, Any] | None:
    """One row of the table; None where its size is neither known nor to be counted, or the two differ."""
    made = completed(name.rpartition("/")[2].lower(), flat(config))
    known, counted = before.get("params"), count_parameters(made)
    if not counted and not (known and source != _WRITTEN):
        return None
    if known and counted and abs(counted / known - 1) > _APART:
        return None
    return {"source": f"{source}: {name}", "params": known or counted, **made}


def renewed(table: dict[str, Any], wheel: Path) -> dict[str, Any]:
    """All rows, by name."""
    rows: dict[str, dict[str, Any]] = {name: {"source": _KNOWN, **old} for name, old in table.items()}
    files = [(PACKAGE.replace("==", " "), *each) for each in bundled(wheel)]
    files += [(_WRITTEN, *each) for each in asked()]
    for source, name, config in files:
        known = known_model(name)
        key = known.name if known else name.rpartition("/")[2].lower()
        if rows.get(key, {}).get("source", _KNOWN) == _KNOWN:
            made = row(name, config, source, table.get(key, {}))
            rows |= {key: made} if made else {}
    return dict(sorted(rows.items()))


def _wheel(folder: Path) -> Path:
    subprocess.run(
        [sys.executable, "-m", "pip", "download", "-q", "--no-deps", PACKAGE, "-d", str(folder)], check=True
    )
    return next(folder.glob("*.whl"))


def main() -> int:
    """Write the table anew."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--wheel", type=Path)
    parser.add_argument("--lists", action="store_true", help="leave the models as they are")
    options = parser.parse_args()
    table = json.loads(TABLE.read_text("utf-8"))
    with tempfile.TemporaryDirectory() as folder:
        wheel = options.wheel or _wheel(Path(folder))
        rows = table["models"] if options.lists else renewed(table["models"], wheel)
        lists = dict(published(wheel)) | _BY_HAND
    lines = ",\n".join(f"{json.dumps(name)}: {json.dumps(found)}" for name, found in rows.items())
    head = json.dumps({"source": _ABOUT, "same_sizes": table["same_sizes"]})[1:-1]
    listed = ",\n".join(f"{json.dumps(name)}: {json.dumps(found)}" for name, found in lists.items())
    parts = f'{{{head},\n"models": {{\n{lines}\n}},\n"lists": {{\n{listed}\n}}}}\n'
    TABLE.write_text(parts, "utf-8")
    sources = [found["source"].partition(":")[0] for found in rows.values()]
    print({source: sources.count(source) for source in sorted(set(sources))})
    return 0


if __name__ == "__main__":
    sys.exit(main())
