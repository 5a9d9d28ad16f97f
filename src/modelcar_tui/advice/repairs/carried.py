"""Flags that a release no longer has and whose values go together into the object of one successor.

One object is made of all of them, and of the one that is given already: vLLM counts the last of two.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from typing import Any

from modelcar_tui.advice.repairs.drafts import REQUIRED, Drafts
from modelcar_tui.advice.repairs.ropes import OVERRIDES, in_its_words
from modelcar_tui.models import ModelFacts
from modelcar_tui.vllm import known_arguments
from modelcar_tui.vllm.arguments import (
    Argument,
    canonical_flag,
    flag_exists,
    known_keys,
    object_fault,
    refused_value,
)

Keys = dict[str, Any]
Readers = dict[str, Callable[[str], Keys]]
_NUMBERS_APART = str.maketrans(",", " ")
_NGRAM = "[ngram]"
_OPTIONS = {
    "no-fallback": "disable_fallback",
    "disable-any-whitespace": "disable_any_whitespace",
    "no-additional-properties": "disable_additional_properties",
}
"""What could stand behind the name of a backend, `xgrammar:no-fallback`."""


def _json(value: str) -> object:
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value


def _as(key: str) -> Callable[[str], Keys]:
    return lambda value: {key: _json(value)} if value else {}


def _on(key: str) -> Callable[[str], Keys]:
    return lambda value: {key: value != "false"}


def _backend(value: str) -> Keys:
    name, _, options = value.partition(":")
    return {"backend": name} | {_OPTIONS[word]: True for word in options.split(",") if word in _OPTIONS}


def _draft(value: str) -> Keys:
    return {"method": "ngram"} if value == _NGRAM else {"model": value}


def _sizes(value: str) -> Keys:
    """Several are the sizes themselves; one is the largest (vllm config `cuda_graph_sizes`)."""
    words = value.translate(_NUMBERS_APART).split()
    if not words or not all(word.isdigit() for word in words):
        return {}
    sizes = [int(word) for word in words]
    return {"cudagraph_capture_sizes": sizes} if len(sizes) > 1 else {"max_cudagraph_capture_size": sizes[0]}


_TASKS = {
    "embed": ("pooling", ""),
    "embedding": ("pooling", ""),
    "pooling": ("pooling", ""),
    "classify": ("pooling", "classify"),
    "score": ("pooling", "classify"),
    "reward": ("pooling", "reward"),
    "generate": ("generate", ""),
    "transcription": ("generate", ""),
    "draft": ("draft", ""),
}
"""Of `--task`: `--runner` and, where a plain model is made into another, `--convert`."""
_INTO: dict[str, Readers] = {
    "--structured-outputs-config": {
        "--guided-decoding-backend": _backend,
        "--guided-decoding-disable-fallback": _on("disable_fallback"),
        "--guided-decoding-disable-any-whitespace": _on("disable_any_whitespace"),
        "--guided-decoding-disable-additional-properties": _on("disable_additional_properties"),
    },
    "--eplb-config": {
        "--num-redundant-experts": _as("num_redundant_experts"),
        "--eplb-window-size": _as("window_size"),
        "--eplb-step-interval": _as("step_interval"),
        "--eplb-log-balancedness": _on("log_balancedness"),
    },
    "--compilation-config": {"--cuda-graph-sizes": _sizes},
    "--speculative-config": {
        "--speculative-model": _draft,
        "--num-speculative-tokens": _as("num_speculative_tokens"),
        "--ngram-prompt-lookup-max": _as("prompt_lookup_max"),
        "--ngram-prompt-lookup-min": _as("prompt_lookup_min"),
        "--speculative-draft-tensor-parallel-size": _as("draft_tensor_parallel_size"),
        "--speculative-max-model-len": _as("max_model_len"),
        "--speculative-model-quantization": _as("quantization"),
        "--speculative-disable-by-batch-size": _as("disable_by_batch_size"),
        "--speculative-disable-mqa-scorer": _on("disable_mqa_scorer"),
    },
    OVERRIDES: {"--rope-scaling": _as("rope_scaling"), "--rope-theta": _as("rope_theta")},
}
"""By successor: the flags that went into it, and what each one's value is there."""


def carry_over(
    arguments: tuple[Argument, ...], facts: ModelFacts, release: str, vllm: str | None, drafts: Drafts
) -> Keys:
    """A change for each such flag; what can't be carried over is left to the repairs that take away.

    Returns:
        What `--hf-overrides` will be, where it takes something over.
    """
    made: dict[str, Keys] = {}
    for target, readers in _INTO.items():
        gone = [argument for argument in arguments if _is_gone(argument, release, readers)]
        given = [argument for argument in arguments if argument.name == target]
        beside = _object(given)
        if not gone or beside is None or any(one.dotted for one in gone) or not _takes(target, "{}", release):
            continue
        told = _told(gone, readers, target, release)
        whole = {**told, **beside}
        if target == OVERRIDES:
            whole = in_its_words(whole, facts.config, vllm)
        if told and _is_whole(target, whole, release) and _is_known(target, whole, release):
            _write(gone, given, target, whole, release, drafts)
            made[target] = whole
    _carry_tasks(arguments, release, drafts)
    return made.get(OVERRIDES, {})


def _object(given: list[Argument]) -> Keys | None:
    """What the successor says that is given already; None where that is not told as one object."""
    beside = _json(given[-1].value or "") if given else {}
    return beside if isinstance(beside, dict) and not any(one.dotted for one in given) else None


def _told(gone: list[Argument], readers: Readers, target: str, release: str) -> Keys:
    """What these flags say in the keys of their successor, as far as this release knows them."""
    told: Keys = {}
    for argument in gone:
        told |= readers[_name(argument)](_text(argument))
    return {key: value for key, value in told.items() if _is_known(target, {key: value}, release)}


def _carry_tasks(arguments: tuple[Argument, ...], release: str, drafts: Drafts) -> None:
    """A task is how a model is run and, for scores, what it is made into (vllm config/model.py)."""
    for argument in arguments:
        runner, made_into = _TASKS.get(argument.value or "", ("", ""))
        if not runner or not _is_gone(argument, release, ("--task",)):
            continue
        made = [drafts.set(argument, f"--runner={runner}", _why(argument, "--runner", release), REQUIRED)]
        if made_into and _takes("--convert", made_into, release):
            why = f"the rest of what --task={argument.value} said"
            made.append(drafts.add(f"--convert={made_into}", why, REQUIRED))
        drafts.couple(*made)


def _write(
    gone: list[Argument], given: list[Argument], target: str, whole: Keys, release: str, drafts: Drafts
) -> None:
    item = f"{target}={json.dumps(whole, ensure_ascii=False)}"
    if given:
        why = f"{target} takes over what {', '.join(_name(one) for one in gone)} said"
        made = [drafts.set(given[-1], item, why, REQUIRED)]
    else:
        first, *gone = gone
        made = [drafts.set(first, item, _why(first, target, release), REQUIRED)]
    made += [drafts.remove(one, _why(one, target, release), REQUIRED) for one in gone]
    drafts.couple(*made)


def _why(argument: Argument, target: str, release: str) -> str:
    name = _name(argument)
    known = known_arguments().find(name)
    gone = f" (gone in {known.gone})" if known is not None else ""
    return f"vLLM {release} has no {name} any more{gone} and would not start; {target} replaced it"


def _is_gone(argument: Argument, release: str, names: Collection[str]) -> bool:
    name = _name(argument)
    known = known_arguments().find(name)
    return (
        argument.flag is None
        and not argument.separator
        and name in names
        and known is not None
        and not flag_exists(known, release)
        and known.gone is not None
    )


def _name(argument: Argument) -> str:
    name = canonical_flag(argument.written).partition(".")[0]
    return name if known_arguments().find(name) else name.replace("--no-", "--", 1)


def _text(argument: Argument) -> str:
    return "false" if canonical_flag(argument.written).startswith("--no-") else argument.value or ""


def _is_known(target: str, keys: Keys, release: str) -> bool:
    """Whether this release takes these keys."""
    return known_keys(target, keys, release) == keys and _takes(target, json.dumps(keys), release)


def _takes(flag: str, value: str, release: str) -> bool:
    row = known_arguments().find(flag)
    return row is not None and flag_exists(row, release) and refused_value(row, value, release) is None


def _is_whole(target: str, keys: Keys, release: str) -> bool:
    """Whether no key lacks another one: a draft needs to be told, and how many tokens it makes."""
    if object_fault(target, keys, release) is not None:
        return False
    drafts = target == "--speculative-config"
    return not drafts or ("num_speculative_tokens" in keys and bool(keys.keys() & {"model", "method"}))
