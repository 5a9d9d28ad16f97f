"""The names that a checkpoint's quantization lists, as rules for its layers.

Each method reads its own list in its own way (vllm model_executor/layers/quantization, 0.24 to 0.33).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from msgspec.structs import replace

from modelcar_tui.models.quantization.declared import quantization_groups
from modelcar_tui.models.quantization.named_layers import Rule, Storage
from modelcar_tui.models.quantization.scheme import PLAIN_SCHEME, Scheme
from modelcar_tui.models.quantization.scheme_table import ANY_GROUP
from modelcar_tui.models.quantization.storage import grouped, of_group, of_words

_EXCEPT = ("ignore", "modules_to_not_convert", "exclude_modules", "ignored_layers", "llm_int8_skip_modules")
_FP8 = ("ignored_layers", "modules_to_not_convert")
_EXACT = ("fp8", "compressed-tensors")
"""Methods that take an entry of the list for a whole name; the others for a part of one, too."""
_CLASSES = ("Linear", "LinearBase")
"""Targets that mean every linear layer, and experts."""
_MOST = 2**20


def storage_for(raw: Mapping[str, Any] | None, base: Scheme) -> Storage:
    """How the layers of a checkpoint are stored.

    Args:
        raw: `quantization_config` of config.json; None where there is none.
        base: its scheme.
    """
    if not isinstance(raw, Mapping) or not raw:
        return Storage(base, head=base if base.head else PLAIN_SCHEME)
    method = str(raw.get("quant_method") or "").lower()
    rules = tuple(_excepted(raw, method))
    head = base if base.head or raw.get("lm_head") is True else PLAIN_SCHEME
    if method == "compressed-tensors":
        rest = None if base.experts_only else _everywhere(raw)
        return Storage(base, (*rules, *_by_target(raw)), rest=rest, towers=True)
    if method in ("gptq", "gptq_marlin", "auto_gptq"):
        chosen = tuple(_chosen(raw, base))
        return Storage(
            base, (*rules, *_dynamic(raw, base), *chosen), rest=PLAIN_SCHEME if chosen else None, head=head
        )
    layers = _by_layer(raw)
    if layers and method != "fp8":
        return Storage(base, (*rules, *layers), rest=PLAIN_SCHEME, towers=True)
    if method.startswith("modelopt") or "quantization" in raw:
        return Storage(base, (*rules, *layers), head=base, towers=None)
    return Storage(base, (*rules, *layers), head=head, towers=method == "fp8")


def _parts(raw: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
    inner = raw.get("quantization")
    return (raw, inner) if isinstance(inner, Mapping) else (raw,)


def _excepted(raw: Mapping[str, Any], method: str) -> Iterator[Rule]:
    """What stays unquantized."""
    for part in _parts(raw):
        listed = next((part[key] for key in (_FP8 if method == "fp8" else _EXCEPT) if part.get(key)), ())
        for name in listed[:_MOST] if isinstance(listed, list) else ():
            if isinstance(name, str) and name:
                yield Rule(name, inside=method not in _EXACT)


def _by_layer(raw: Mapping[str, Any]) -> tuple[Rule, ...]:
    """ModelOpt's mixed precision: the algorithm of each layer by its whole name."""
    found = next((told for part in _parts(raw) if (told := part.get("quantized_layers"))), None)
    kinds: dict[str, Scheme] = {}
    rules = []
    for name, told in list(found.items())[:_MOST] if isinstance(found, Mapping) else ():
        if isinstance(name, str) and isinstance(told, Mapping):
            algorithm = str(told.get("quant_algo") or "")
            if algorithm not in kinds:
                kinds[algorithm] = of_words(algorithm)
            rules.append(Rule(name, kinds[algorithm]))
    return tuple(rules)


def _by_target(raw: Mapping[str, Any]) -> Iterator[Rule]:
    """Groups of compressed-tensors that name their layers."""
    for group in quantization_groups(raw):
        targets = [name for name in _targets(group) if name not in _CLASSES]
        scheme = of_group(raw, group) if targets else PLAIN_SCHEME
        yield from (Rule(name, scheme) for name in targets)


def _everywhere(raw: Mapping[str, Any]) -> Scheme | None:
    """The scheme of compressed-tensors' group for all linear layers; None where the config has no groups."""
    groups = list(quantization_groups(raw))
    if not groups:
        return None
    whole = (group for group in groups if not (targets := _targets(group)) or set(targets) & {*_CLASSES})
    group = next(whole, None)
    return of_group(raw, group) if group is not None else PLAIN_SCHEME


def _targets(group: Mapping[str, Any]) -> list[str]:
    targets = group.get("targets")
    return [name for name in targets if isinstance(name, str)] if isinstance(targets, list) else []


def _chosen(raw: Mapping[str, Any], base: Scheme) -> Iterator[Rule]:
    """GPTQ's modules_in_block_to_quantize; experts are quantized whatever it says."""
    listed = raw.get("modules_in_block_to_quantize")
    names = [name for name in _flat(listed if isinstance(listed, list) else ()) if isinstance(name, str)]
    yield from (Rule(name, base, inside=True) for name in (*names, ".experts") if names)


def _flat(listed: Iterable[Any]) -> Iterator[Any]:
    for each in listed:
        if isinstance(each, list):
            yield from each
        else:
            yield each


def _dynamic(raw: Mapping[str, Any], base: Scheme) -> Iterator[Rule]:
    """GPTQ's rules by expression: `-:` leaves layers alone, `+:` changes their numbers (gptq_utils.py)."""
    told = raw.get("dynamic")
    for name, own in list(told.items())[:64] if isinstance(told, Mapping) else ():
        if isinstance(name, str) and name.startswith("-:"):
            yield Rule("re:" + name[2:])
        elif isinstance(name, str) and isinstance(own, Mapping):
            bits, group = own.get("bits", base.bits), own.get("group_size", base.group)
            if isinstance(bits, int) and isinstance(group, int):
                scheme = grouped(base.name, bits, max(group, 0) or ANY_GROUP)
                yield Rule("re:" + name.removeprefix("+:"), replace(scheme, ids=base.ids))
