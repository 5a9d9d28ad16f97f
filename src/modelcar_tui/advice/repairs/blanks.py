"""Items such as `--max-model-len 4096`: one item with a blank, which vLLM's parser takes for a value.

And those of several flags, in quotes of their own or without the dashes.
"""

from __future__ import annotations

import re

import msgspec

from modelcar_tui.advice.lint.security import REMOTE_CODE
from modelcar_tui.advice.repairs.drafts import REQUIRED, Drafts
from modelcar_tui.vllm.arguments import Argument, fault_of_argument, parse_arguments

_WHY = "one item with a blank is no flag to vLLM"


_DASHES = re.compile(r"[-\u2010-\u2015\u2212]*(?=[A-Za-z])")
_NEXT_FLAG = re.compile(r"\s+(?=--[A-Za-z])")


def split(arguments: tuple[Argument, ...], release: str, drafts: Drafts) -> None:
    """Write the flags that an item was meant to be, where this release takes each of them as it stands.

    What is given elsewhere is left: which of the two counts can't be told.
    """
    named = {argument.name for argument in arguments}
    why = "flags are told by their dashes, one an item: as it stands vLLM refuses it"
    for argument in arguments:
        if argument.items > 1 or argument.masked or argument.unknown or argument.separator:
            continue
        if fault_of_argument(argument, release) is None:
            continue
        parts = _flags_in(drafts.car.serving.args[argument.index])
        meant = [part for text in parts for part in parse_arguments((text,), release)]
        sure = parts and all(_is_sure(part, release) for part in meant)
        if sure and _given_once(meant, named - {argument.name}, drafts):
            made = drafts.set(argument, parts[0], why, REQUIRED)
            rest = [drafts.add(part, "the rest of that item", REQUIRED) for part in parts[1:]]
            drafts.couple(made, *rest)


def _given_once(meant: list[Argument], elsewhere: set[str], drafts: Drafts) -> bool:
    """Whether these flags differ, and neither another argument nor another change gives one of them."""
    names = {part.name for part in meant}
    alone = len(names) == len(meant) and not names & elsewhere
    return alone and not any(drafts.settles(name) for name in names)


def _flags_in(item: str) -> list[str]:
    """The flags of an item whose slip is quotes, dashes or a line that was not split; empty for others."""
    text = item.strip()
    if text[:1] in ("'", '"') and text[-1:] == text[:1]:
        text = text[1:-1].strip()
    text = _DASHES.sub("--", text, count=1) if "=" in text or not text[:1].isalpha() else text
    parts = [] if "{" in text else _NEXT_FLAG.split(text)
    joined = [re.sub(r"\s+", "=", part, count=1) if "=" not in part else part for part in parts]
    return joined if len(joined) > 1 or (joined and joined[0] != item and " " not in item) else []


def _is_sure(part: Argument, release: str) -> bool:
    """Whether it is a whole flag that this release takes; code of the image's own is never proposed."""
    whole = part.flag is not None and not part.abbreviated and part.name != REMOTE_CODE
    return whole and " " not in (part.value or "") and fault_of_argument(part, release) is None


def as_meant(arguments: tuple[Argument, ...], drafts: Drafts, vllm: str | None) -> tuple[Argument, ...]:
    """The arguments with each such item read as the flag and the value that were meant.

    They are marked in `drafts`, where each change of one is required: as it stands vLLM refuses it.
    """
    return tuple(_meant(argument, drafts, vllm) for argument in arguments)


def join(arguments: tuple[Argument, ...], drafts: Drafts) -> None:
    """Write those that nothing else has changed as one flag with its value."""
    for argument in arguments:
        flag = argument.flag
        if flag is None or not drafts.is_refused(argument) or drafts.touched(argument):
            continue
        if flag.several and len((argument.value or "").split()) > 1:
            drafts.remove(argument, f"{_WHY}, and several values need several items", REQUIRED)
            continue
        name = argument.written if argument.dotted or argument.negated else flag.flag
        item = name if argument.value is None else f"{name}={argument.value}"
        how = "without it" if item == name else "joined by `=`"
        drafts.set(argument, item, f"{_WHY}; {how} it is", REQUIRED)


def _meant(argument: Argument, drafts: Drafts, vllm: str | None) -> Argument:
    """Where flag and value are one item, what they would be as two; else the argument itself."""
    item = drafts.car.serving.args[argument.index]
    blank = argument.flag is None and argument.is_flag and not argument.masked and " " in argument.written
    if not blank or argument.separator:
        return argument
    head, *rest = item.split(None, 1)
    told = parse_arguments((f"{head}={rest[0].strip()}" if rest else head,), vllm)[0]
    drafts.refuse(argument)
    return msgspec.structs.replace(told, index=argument.index, items=argument.items)
