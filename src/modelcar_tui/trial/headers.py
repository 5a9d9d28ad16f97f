"""Names and kinds of the model's tensors, lent as safetensors files without a tensor.

vLLM looks at the headers of the weights' files before it loads them (0.28 to 0.32):

- for a config that names no dtype (transformers_utils/model_arch_config_convertor.py, get_torch_dtype),
- for the layers that AWQ and GPTQ leave alone where their config lists none (layers/quantization/auto_awq.py,
  auto_gptq.py, maybe_update_config),
- for an output matrix of its own beside a config that ties it (transformers_utils/config.py,
  checkpoint_has_lm_head),

and takes a folder for Mistral's format by the name `consolidated*.safetensors`
(transformers_utils/repo_utils.py). A header with empty tensors lets the release decide as it will.
"""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from modelcar_tui.models import ModelFacts, TensorGroup
from modelcar_tui.vllm.arguments import EngineArgs

TOLD = "a file of weights holds names and kinds of the tensors alone: vLLM looks at them before it loads"
_MISTRAL = "consolidated*.safetensors"
_USUAL = "model.safetensors"
_PARTS_OF_CONFIG = ("text_config", "llm_config", "language_config", "vision_config", "encoder_config")
_LISTS = {
    "awq": ("modules_to_not_convert",),
    "gptq": ("modules_in_block_to_quantize",),
}
"""What tells the layers apart without a look at the weights."""
_FLOATS = frozenset({"F16", "BF16", "F32"})
"""Kinds that AWQ and GPTQ take for not quantized."""
_MOST_NAMES = 50_000
_NAME = re.compile(r"\w[\w.-]{0,200}\.safetensors")


def lent_headers(facts: ModelFacts, files: Mapping[str, bytes], weights: Sequence[str]) -> dict[str, bytes]:
    """Name -> content of the files of weights that are lent; none where vLLM would not look at them.

    Args:
        facts: of the model.
        files: its small files.
        weights: names of its files of weights.
    """
    told = [name for name in weights if _NAME.fullmatch(name)]
    mistral = next((name for name in told if fnmatchcase(name, _MISTRAL)), "")
    if mistral and "params.json" in files:
        return {mistral: header(facts.tensors or (), _layers(facts))}
    if facts.tensors is None or not _looked_at(facts):
        return {}
    usual = next((name for name in told if not fnmatchcase(name, _MISTRAL)), _USUAL)
    return {usual: header(facts.tensors, _layers(facts))}


def unread_headers(facts: ModelFacts, engine: EngineArgs) -> Iterator[str]:
    """What a good start leaves open where vLLM looks at headers that nobody read; one sentence each."""
    if facts.tensors is not None:
        return
    if not _names_dtype(facts) and engine.dtype in ("", "auto"):
        yield "nothing about the dtype: the config names none, and that of the weights' headers is not known"
    if _tells_layers_by_headers(facts):
        yield "nothing about layers that the weights leave unquantized: the config lists none"


def header(groups: Sequence[TensorGroup], layers: int) -> bytes:
    """A safetensors file with an empty tensor of each name and kind.

    Where a name can't be told it has those without a number, and one of each kind, not quantized ones: GPTQ
    takes a layer that is not named beside others for one that is not quantized.

    Args:
        groups: of the model's tensors.
        layers: of the model; 0 where that is not known.
    """
    names = [(group.dtype, _written_out(group, layers)) for group in groups]
    if any(not known for _, known in names) or sum(len(known) for _, known in names) > _MOST_NAMES:
        floats = [group for group in groups if group.dtype in _FLOATS]
        plain = [(one.dtype, [one.pattern]) for one in floats if "{}" not in one.pattern]
        names = [*plain, *((kind, [f"try-kind-{kind}"]) for kind in {one.dtype for one in floats})]
    found: dict[str, Any] = {
        name: {"dtype": dtype, "shape": [0], "data_offsets": [0, 0]}
        for dtype, known in sorted(names)
        for name in known
    }
    text = json.dumps(found, separators=(",", ":")).encode()
    return struct.pack("<Q", len(text)) + text


def _written_out(group: TensorGroup, layers: int) -> list[str]:
    """All names of a group; none where the numbers can't be told."""
    places = group.pattern.count("{}")
    if not places and group.count == 1:
        return [group.pattern]
    if places == 1 and layers and group.count == layers:
        return [group.pattern.replace("{}", str(number)) for number in range(layers)]
    if places == 2 and layers and group.count % layers == 0:  # layers, then experts
        first, second, rest = group.pattern.split("{}")
        each = group.count // layers
        return [f"{first}{layer}{second}{number}{rest}" for layer in range(layers) for number in range(each)]
    return []


def _layers(facts: ModelFacts) -> int:
    for config in _configs(facts):
        count = config.get("num_hidden_layers", config.get("n_layers"))
        if isinstance(count, int) and 0 < count < 10_000:
            return count
    return 0


def _configs(facts: ModelFacts) -> Iterator[Mapping[str, Any]]:
    config = facts.config or {}
    yield config
    for name in _PARTS_OF_CONFIG:
        if isinstance(part := config.get(name), dict):
            yield part


def _looked_at(facts: ModelFacts) -> bool:
    ties = bool((facts.config or {}).get("tie_word_embeddings"))
    unties = ties and any(one.pattern.endswith("lm_head.weight") for one in facts.tensors or ())
    return unties or not _names_dtype(facts) or _tells_layers_by_headers(facts)


def _names_dtype(facts: ModelFacts) -> bool:
    return any(config.get("torch_dtype") or config.get("dtype") for config in _configs(facts))


def _tells_layers_by_headers(facts: ModelFacts) -> bool:
    quantization = facts.quantization or {}
    method = str(quantization.get("quant_method") or "").lower().partition("_")[0]
    lists = _LISTS.get(method)
    return lists is not None and not any(quantization.get(name) for name in lists)
