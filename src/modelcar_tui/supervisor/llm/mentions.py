"""The numbers and names that a text mentions, in one form for facts and prose."""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal
from typing import NamedTuple

_EDGE = "\"'`“”‘’()[]{}<>,;:!?*_~≈=…|"
_GROUPED = r"\d{1,3}(?:,\d{3})+|\d+"
_NUMBER = re.compile(rf"[-+]?(?P<digits>(?:{_GROUPED})(?:\.\d+)?)(?P<unit>[A-Za-z%×]*)")
_TIMES = re.compile(r"(\d+)\s?[x×](.+)", re.IGNORECASE)
_UNITS = {
    "gib": "gib", "gb": "gb", "mib": "mib", "mb": "mb", "tib": "tib", "tb": "tb",
    "token": "token", "tokens": "token", "request": "request", "requests": "request",
    "gpu": "gpu", "gpus": "gpu", "card": "gpu", "cards": "gpu", "unit": "gpu", "units": "gpu",
    "node": "node", "nodes": "node", "model": "model", "models": "model", "change": "change", "changes": "change",
    "finding": "finding", "findings": "finding", "remark": "finding", "remarks": "finding",
    "test": "test", "tests": "test", "%": "%", "percent": "%",
    "b": "billion", "billion": "billion", "bit": "bit", "bits": "bit", "bytes": "byte", "byte": "byte",
    "s": "second", "second": "second", "seconds": "second", "ms": "ms", "minutes": "minute", "hours": "hour",
    "million": "million", "thousand": "thousand", "x": "", "×": "", "k": "k", "m": "million",
}  # fmt: skip
_COUNTED = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen"
    " seventeen eighteen nineteen twenty"
)
_WORDS = {
    word: number
    for number, word in enumerate(
        _COUNTED.split()
    )
} | {"thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90,
     "hundred": 100, "thousand": 1000, "million": 10**6, "dozen": 12, "twice": 2, "double": 2, "triple": 3,
     "half": 2, "quarter": 4, "pair": 2}  # fmt: skip
_PRONOUNS = frozenset(("one", "no", "zero"))
"""Said without counting; `one` is only a number where a unit follows."""


class Number(NamedTuple):
    """A number with the unit that follows it, where one does."""

    value: Decimal
    unit: str
    decimals: int


class Mentions(NamedTuple):
    """What a text names."""

    numbers: tuple[Number, ...]
    names: tuple[str, ...]
    """Words that mix letters and digits, and flags: `h100`, `granite-3.1-8b`, `--max-model-len`."""
    strange: str
    """A number in a form that is not understood; empty where there is none."""


def mentions(text: str) -> Mentions:
    """Everything in `text` that can be held against facts."""
    words = [word.strip(_EDGE).rstrip(".").strip(_EDGE) for word in text.split()]
    numbers: list[Number] = []
    names: list[str] = []
    for index, word in enumerate(words):
        if not word:
            continue
        if any(unicodedata.numeric(char, None) is not None and not "0" <= char <= "9" for char in word):
            return Mentions((), (), word)
        fault = _take(word, words[index + 1 : index + 4], numbers, names)
        if fault:
            return Mentions((), (), fault)
    return Mentions(tuple(numbers), tuple(names), "")


def _take(word: str, following: list[str], numbers: list[Number], names: list[str]) -> str:
    if word.startswith("--"):
        flag, _, value = word.partition("=")
        names.append(flag.casefold())
        return _take(value, [], numbers, names) if value else ""
    if not any(char.isdigit() for char in word):
        spelled = _spelled(word, following)
        numbers += [spelled] if spelled else []
        return ""
    match = _NUMBER.fullmatch(word)
    if match and match["unit"].casefold() in ("", *_UNITS):
        numbers.append(_number(match, following))
        return ""
    if re.fullmatch(r"[\d.,+\-/x×%eE:]+", word):
        return _numeric(word, following, numbers, names)
    times = _TIMES.fullmatch(word)
    if times:
        numbers.append(Number(Decimal(times[1]), "", 0))
        return _take(times[2], [], numbers, names)
    names.append(word.casefold())
    return ""


def _numeric(word: str, following: list[str], numbers: list[Number], names: list[str]) -> str:
    """Ranges, fractions and versions: `4/8`, `1-2`, `0.11.2`."""
    if re.fullmatch(r"\d+(?:\.\d+){2,}", word):
        names.append(word)
        return ""
    parts = [part for part in re.split(r"[/:x×-]", word) if part]
    found = [_NUMBER.fullmatch(part) for part in parts]
    if len(parts) < 2 or not all(found):
        return word
    numbers += [_number(match, following) for match in found if match]
    return ""


def _number(match: re.Match[str], following: list[str]) -> Number:
    digits = match["digits"].replace(",", "")
    unit = _UNITS[match["unit"].casefold()] if match["unit"] else _unit(following)
    return Number(Decimal(digits), unit, len(digits.partition(".")[2]))


def _spelled(word: str, following: list[str]) -> Number | None:
    key = word.casefold().partition("-")[0]
    number = _WORDS.get(key)
    unit = _unit(following)
    if number is None or (key in _PRONOUNS and not unit) or (key in ("no", "zero") and not unit):
        return None
    return Number(Decimal(number), unit, 0)


def _unit(following: list[str]) -> str:
    """The unit among the next three words; `GPU nodes` are nodes."""
    for index, word in enumerate(following):
        if any(char.isdigit() for char in word):
            return ""
        unit = _UNITS.get(word.casefold())
        if unit is None or (len(word) == 1 and word != "%" and word.isalpha()):
            continue
        after = following[index + 1] if index + 1 < len(following) else ""
        return _UNITS.get(after.casefold(), unit) if unit in ("gpu", "model") and after else unit
    return ""
