"""Values that vLLM refuses, mended to what was meant where that can be read off them, else taken away.

Taking an argument away is the smallest change that surely starts: vLLM's default holds then, and the reason
says so.
"""

from __future__ import annotations

import ast
import difflib
import json
import re
from collections.abc import Iterator
from itertools import pairwise

import msgspec
import yaml

from modelcar_tui.advice.repairs.drafts import REQUIRED, Drafts
from modelcar_tui.models import ModelFacts, no_experts
from modelcar_tui.vllm import Flag
from modelcar_tui.vllm.arguments import (
    Argument,
    ArgumentFault,
    argument_faults,
    has_switch,
    last_given,
    may_hold_anything,
    needed_beside,
    parse_arguments,
    refused_number,
    refused_value,
    tokens_in,
)

BATCHED, SEQUENCES, LENGTH = "--max-num-batched-tokens", "--max-num-seqs", "--max-model-len"
CHUNKED, EXPERTS = "--enable-chunked-prefill", "--enable-expert-parallel"
_UTILIZATION = "--gpu-memory-utilization"
_RANKS = ("--pipeline-parallel-size", "--data-parallel-size")
_DTYPES = {"bf16": "bfloat16", "fp16": "float16", "f16": "float16", "fp32": "float32", "f32": "float32"}
_OBJECTS = ("json", "json?", "json|pairs", "object", "sized")
_YES, _NO = ("true", "yes", "on", "1"), ("false", "no", "off", "0")


def repair_values(arguments: tuple[Argument, ...], drafts: Drafts, release: str) -> None:
    """A change for each value that a read release's parser, server or engine refuses."""
    for argument, fault in argument_faults(arguments, release):
        flag = argument.flag
        if drafts.touched(argument) or (argument.masked and argument.value is not None):
            continue
        if flag is None:
            if argument.separator:
                _mend(argument, fault, drafts, release)
        elif fault.code == "value-missing":
            name, default = (argument.written, "") if argument.dotted else (flag.flag, f"; {_DEFAULT}")
            drafts.remove(argument, f"{name} has no value and vLLM refuses it{default}", REQUIRED)
        elif flag.valueless and argument.value is not None and not argument.dotted:
            _switch(argument, flag, drafts)
        elif flag.flag not in _RANKS or intended(argument) < 2:  # those are for the repair of the ranks
            _mend(argument, fault, drafts, release)


def repair_words(arguments: tuple[Argument, ...], drafts: Drafts) -> None:
    """A switch and a `false` behind it, which vLLM takes for a model: it would be on.

    Comes before the repairs that take stray words away: alone that would turn it into its opposite.
    """
    for switch, word in off_words(arguments):
        if switch.flag is not None and not drafts.touched(switch):
            stray = f"`{word.written}` belongs to no flag and vLLM refuses it"
            gone = drafts.remove(word, stray, REQUIRED)
            whole = msgspec.structs.replace(switch, value=word.written)
            drafts.couple(gone, _switch(whole, switch.flag, drafts))


def off_words(arguments: tuple[Argument, ...]) -> Iterator[tuple[Argument, Argument]]:
    """Each switch with the `false` that follows it as an item of its own."""
    for switch, word in pairwise(arguments):
        alone = switch.flag is not None and switch.flag.valueless and switch.value is None
        if alone and word.flag is None and word.written.strip().lower() in _NO:
            yield switch, word


def accepted(item: str, release: str) -> str:
    """An item as a read release takes it: itself, what was meant by it, or nothing."""
    (argument,) = parse_arguments((item,), release)
    found = argument_faults((argument,), release)
    if not found:
        return item
    flag, mended = argument.flag, _mended(argument, release)
    return "" if flag is None or mended in (None, argument.value) else f"{flag.flag}={mended}"


def _mend(argument: Argument, fault: ArgumentFault, drafts: Drafts, release: str) -> None:
    """What an argument is by itself, by its neighbours, or by the names that are registered."""
    told, mended = f"vLLM refuses {fault.what}", _mended(argument, release)
    if fault.meant is not None:
        drafts.set(argument, fault.meant, told, REQUIRED)
    elif argument.flag is not None and not argument.dotted and mended not in (None, argument.value):
        drafts.set(argument, f"{argument.flag.flag}={mended}", told, REQUIRED)
    else:
        drafts.remove(argument, told if argument.dotted else f"{told}; {_DEFAULT}", REQUIRED)


def repair_combinations(
    arguments: tuple[Argument, ...], facts: ModelFacts, drafts: Drafts, release: str
) -> None:
    """A change for each argument that the engine refuses beside another one, or for this model.

    Comes before `repair_values`: an argument has one change, and values are taken as they will be mended.
    """
    if not may_hold_anything(arguments):
        _without_companion(arguments, drafts, release)
    parts, count = last_given(arguments, "--decode-context-parallel-size"), drafts.car.serving.implied_size
    if parts is not None and count % (intended(parts) or 1):
        why = f"decode context parallel {intended(parts)} does not divide tensor parallel {count}"
        drafts.remove(parts, why, REQUIRED)
    experts = last_given(arguments, EXPERTS)
    if experts is not None and has_switch(arguments, EXPERTS) and no_experts(facts.config):
        drafts.remove(experts, "the model has no experts and vLLM refuses expert parallelism", REQUIRED)
    _step(arguments, drafts)


def _without_companion(arguments: tuple[Argument, ...], drafts: Drafts, release: str) -> None:
    """Switches that need another argument, which is not there or goes."""
    for switch, other in needed_beside(release):
        beside = last_given(arguments, other)
        stays = beside is not None and _stays(beside, arguments, release)
        if stays or not has_switch(arguments, switch):
            continue
        why = f"the server stops without {other} beside it, and no default is right"
        gone = [drafts.remove(given, why, REQUIRED) for given in arguments if given.name == switch]
        if beside is not None:
            gone += [drafts.remove(beside, f"vLLM refuses {_why(beside, arguments, release)}", REQUIRED)]
        drafts.couple(*gone)


def _step(arguments: tuple[Argument, ...], drafts: Drafts) -> None:
    """The tokens of a step, which hold every sequence, and without chunked prefill a whole context."""
    batched, chunked = last_given(arguments, BATCHED), last_given(arguments, CHUNKED)
    step, at_once = intended(batched), intended(last_given(arguments, SEQUENCES))
    if batched is not None and 0 < step < at_once:
        why = f"a step of {step} tokens can't hold {at_once} sequences: vLLM refuses to start"
        drafts.set(batched, f"{BATCHED}={at_once}", why, REQUIRED)
        step = at_once
    context = intended(last_given(arguments, LENGTH))
    if chunked is not None and chunked.negated and 0 < step < context:
        why = f"without chunked prefill a step of {step} tokens must hold a whole context of {context}"
        drafts.remove(chunked, why, REQUIRED)


_DEFAULT = "without it vLLM's default holds"


def _switch(argument: Argument, flag: Flag, drafts: Drafts) -> str:
    """A switch that is given a value, as it was meant; returns the change's id."""
    value = argument.value
    if value is None:
        return ""
    word = value.strip().lower()
    why = f"{flag.flag} takes no value and vLLM refuses {value!r}"
    on, off = (_YES, _NO) if not argument.negated else (_NO, _YES)
    if word in on:
        return drafts.set(argument, flag.flag, why, REQUIRED)
    if word in off and flag.kind == "flag":
        off_form = f"--no-{flag.flag[2:]}"
        return drafts.set(argument, off_form, f"{why}; the --no- form switches it off", REQUIRED)
    return drafts.remove(argument, why, REQUIRED)


def _stays(argument: Argument, arguments: tuple[Argument, ...], release: str) -> bool:
    """Whether it is still there once what is refused is mended."""
    if argument.unknown:
        return True
    if argument.flag is None or (argument.value is None and not argument.flag.valueless):
        return False
    fault = next((fault for other, fault in argument_faults(arguments, release) if other is argument), None)
    return (
        fault is None or fault.meant is not None or _mended(argument, release) not in (None, argument.value)
    )


def _why(argument: Argument, arguments: tuple[Argument, ...], release: str) -> str:
    """What is said of an argument that goes."""
    told = (fault.what for other, fault in argument_faults(arguments, release) if other is argument)
    return next(told, argument.written)


def _mended(argument: Argument, release: str) -> str | None:
    """An argument's value as it will be; None where it has none, or a wrong one of unknown meaning."""
    flag, value = argument.flag, argument.value
    fault = None if flag is None or value is None else refused_value(flag, value, release)
    if flag is None or value is None or fault is None:
        return value
    if fault.meant is not None:
        return fault.meant.partition("=")[2]
    meant = _meant(flag, value.strip())
    return None if meant is None or refused_value(flag, meant, release) else meant


def _meant(flag: Flag, value: str) -> str | None:
    """What the value was meant to be; None where it can't be told."""
    value = value.strip("'\"").strip() if flag.kind not in _OBJECTS else value
    if flag.flag == _UTILIZATION:
        return _share(value)
    match flag.kind:
        case "int" | "human" | "tokens" | "float":
            return _number(flag, value)
        case "choice" | "option":
            return _choice(flag, value)
    return _json(value) if flag.kind in _OBJECTS else None


def intended(argument: Argument | None) -> int:
    """An argument's number as it will be; 0 where there is none."""
    if argument is None or argument.flag is None or argument.value is None:
        return 0
    value, flag = argument.value, argument.flag
    if refused_number(flag, value):
        value = _meant(flag, value.strip()) or ""
    return max(tokens_in(value) or 0, 0)


def _share(value: str) -> str | None:
    """`95`, `95%` and `0,95` are 0.95."""
    text = value.rstrip("%").strip().replace(",", ".")
    try:
        number = float(text[:40])
    except ValueError:
        return None
    return f"{number / 100:g}" if 1 < number <= 100 else f"{number:g}"


def _number(flag: Flag, value: str) -> str | None:
    text = re.sub(r"(?<=\d)[,_' ](?=\d{3}\b)", "", value)
    text = re.sub(r"(?i)\s*(?:tokens?|seqs?)$", "", text)
    number = tokens_in(text)
    if number is None and re.fullmatch(r"\d{1,12}\.0*", text):
        number = int(float(text))
    if number is None:
        return None
    return str(number) if flag.kind == "int" or text.isdigit() or "." in text else text


def _choice(flag: Flag, value: str) -> str | None:
    known = {choice.lower(): choice for choice in flag.choices}
    word = value.strip("'\"").lower()
    word = _DTYPES.get(word, word) if _DTYPES.get(word) in known else word
    if word in known:
        return known[word]
    near = difflib.get_close_matches(word[:100], list(known), 1, 0.75)
    return known[near[0]] if near else None


def _json(value: str) -> str | None:
    """JSON from Python's or YAML's spelling of a mapping, and from the `image=4,video=1` of old releases."""
    if pairs := re.fullmatch(r"\w+=\d+(?:,\w+=\d+)*", value):
        return json.dumps(
            {key: int(number) for key, _, number in (p.partition("=") for p in pairs[0].split(","))}
        )
    if len(value) > 4000 or not value.strip("'\"").startswith("{"):
        return None
    text = value.strip("'\"")
    for read in (json.loads, ast.literal_eval, _yaml):
        try:
            found = read(text)
            if isinstance(found, dict) and None not in found.values():
                return json.dumps(found, ensure_ascii=False, allow_nan=False)
        except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError, yaml.YAMLError):
            continue
    return None


def _yaml(text: str) -> object:
    """`{image:4}` too, which YAML takes for one key without a value.

    Raises:
        ValueError: it has aliases, which JSON would write out without end.
    """
    spaced = re.sub(r"(?<=[\w\"']):(?=[\w\"'\[{-])", ": ", text)
    if any(isinstance(token, yaml.AliasToken) for token in yaml.scan(spaced)):
        raise ValueError("aliases")
    return yaml.safe_load(spaced)
