"""A text as sentences, clauses and tokens; the same for the facts' own notes and for a model's words."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import NamedTuple

from modelcar_tui.supervisor.llm import lexicon as lex

_PRIVATE = 0xE000
_NUMBER = re.compile(r"[~≈]?(?P<digits>-?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?)(?P<unit>[a-z%×]*)")
_NO_GO = re.compile(r"\bno[\s‐-―-]*go\b", re.IGNORECASE)
_OPEN, _CLOSE = "([{\"'`“‘*_", ")]}\"'`”’*_"
_STOPS = ".!?"
_MOST_NAMES = 64


class Token(NamedTuple):
    """`kind` is model, gpu, flag, number, verdict, word or name (a word that no lexicon has)."""

    kind: str
    text: str
    value: Decimal = Decimal(0)
    unit: str = ""
    decimals: int = 0


class Clause(NamedTuple):
    """Tokens up to the next comma, bracket or linking word, which is `link` of the clause that it begins."""

    link: str
    tokens: tuple[Token, ...]

    def texts(self, kind: str = "word") -> tuple[str, ...]:
        """The texts of its tokens of that kind."""
        return tuple(token.text for token in self.tokens if token.kind == kind)


class Names(NamedTuple):
    """How models and GPU products may be written: casefolded writing to name."""

    models: Mapping[str, str]
    gpus: Mapping[str, str]


class StrangeError(ValueError):
    """A number in a form that is not understood."""


def names(models: Iterable[str], gpus: Iterable[str]) -> Names:
    """Every writing that means exactly one of them. A name made of plain words alone is none: it could turn a
    sentence round.
    """
    return Names(_writings(models, _short_model), _writings(gpus, _short_gpu))


def _writings(full: Iterable[str], shorts: Callable[[str], list[str]]) -> dict[str, str]:
    found: dict[str, set[str]] = {}
    for name in list(full)[:_MOST_NAMES]:
        for writing in {name.casefold(), *shorts(name.casefold())}:
            found.setdefault(writing, set()).add(name)
    exact = {name.casefold(): name for name in full}
    sole = {writing: next(iter(whose)) for writing, whose in found.items() if len(whose) == 1}
    return {writing: name for writing, name in (sole | exact).items() if _telling(writing)}


def _telling(writing: str) -> bool:
    if not writing or any(char.isspace() or ord(char) >= _PRIVATE for char in writing):
        return False
    parts = [part for part in re.split(r"[^a-z]+", writing) if part]
    return any(part not in lex.LEXICON or len(part) == 1 for part in parts) and len(writing) > 1


def _short_model(name: str) -> list[str]:
    first = re.split(r"[-_.]", name)[0]
    return [first] if first.isalpha() and len(first) >= 4 else []


def _short_gpu(name: str) -> list[str]:
    parts = [
        part
        for part in name.split("-")
        if re.search(r"\d", part) and not re.fullmatch(r"\d+gb|hbm\d\w?", part)
    ]
    return [*parts, f"nvidia-{name}", *(f"nvidia-{part}" for part in parts)]


def sentences(text: str, known: Names) -> list[list[Clause]]:
    """The text's sentences, each as its clauses.

    Raises:
        StrangeError: a number in a form that is not understood.
    """
    text = unicodedata.normalize("NFKC", text).casefold().replace("’", "'")
    if any(_PRIVATE <= ord(char) <= 0xF8FF for char in text):
        raise StrangeError("a character of no meaning")
    table: list[tuple[str, str]] = []
    for kind, writings in (("model", known.models), ("gpu", known.gpus)):
        for writing in sorted(writings, key=len, reverse=True):
            sign = chr(_PRIVATE + len(table))
            blanks = r"[\s-]".join(re.escape(part) for part in writing.split("-")) if kind == "gpu" else ""
            pattern = rf"(?<![\w.-]){blanks or re.escape(writing)}(?![\w-]|\.\w)(?:'s)?"
            text, hits = re.subn(pattern, f" {sign} ", text)
            if hits or len(table) < _MOST_NAMES * 4:
                table.append((kind, writings[writing]))
    text = _NO_GO.sub(" no-go ", text)
    text = re.sub(r"\b(?:the|this) run(?:'s)?\b", "the manifest", text)  # the noun: `the run's verdict`
    text = re.sub(
        r"can't|cannot|can not", "can not", re.sub(r"(\w)n't\b", r"\1 not", text.replace("can't", "can not"))
    )
    return [found for found in (_clauses(part, table) for part in _split(text)) if found]


def _split(text: str) -> list[str]:
    return [part for part in re.split(r"(?<=[.!?])(?=[\s)\]\"']|$)|\n+", text) if part.strip()]


def _clauses(text: str, table: list[tuple[str, str]]) -> list[Clause]:
    found: list[Clause] = []
    tokens: list[Token] = []
    link = ""

    def close(word: str) -> None:
        nonlocal tokens, link
        if tokens:
            found.append(Clause(link, tuple(_measured(tokens))))
        link, tokens = (word if tokens or word else link), []

    for word in re.sub(r"\s[–—-]+\s|[:;()\[\]]", " , ", text).split():
        bare = word.lstrip(_OPEN).rstrip(_STOPS + "," + _CLOSE)
        if bare in lex.LINKS:
            close(bare)
        elif bare:
            tokens += _tokens(bare, table)
        if "," in word[len(word.rstrip(_STOPS + "," + _CLOSE)) :]:
            close("")
    close("")
    return _joined(found)


def _joined(clauses: list[Clause]) -> list[Clause]:
    """`a and b are GO`, `a, b and c`: a list of names is one subject."""
    found: list[Clause] = []
    for clause in clauses:
        before = found[-1].tokens if found else ()
        last = before[-1].kind if before else ""
        first = next((token.kind for token in clause.tokens if token.text != "the"), "")
        if last and last == first and last in ("model", "gpu") and clause.link in ("", "and"):
            found[-1] = Clause(found[-1].link, before + clause.tokens)
        else:
            found.append(clause)
    return found


def _tokens(word: str, table: list[tuple[str, str]]) -> list[Token]:
    if len(word) == 1 and ord(word) >= _PRIVATE:
        index = ord(word) - _PRIVATE
        if index >= len(table):
            raise StrangeError("a character of no meaning")
        return [Token(*table[index])]
    if any(unicodedata.numeric(char, None) is not None and not "0" <= char <= "9" for char in word):
        raise StrangeError(word)
    if word in ("no-go", "go", "unknown"):
        return [Token("verdict", "UNKNOWN" if word == "unknown" else word.upper())]
    if word.startswith("--"):
        flag, equals, value = word.partition("=")
        return [Token("flag", flag), *(_tokens(value, table) if equals and value else [])]
    if not any(char.isdigit() for char in word):
        key = word.removesuffix("'s")
        if key in lex.NUMBER_WORDS and key != "one":
            return [Token("number", key, Decimal(lex.NUMBER_WORDS[key]))]
        return [Token("word" if key in lex.LEXICON else "name", key)]
    if match := _NUMBER.fullmatch(word):
        unit = lex.UNITS.get(match["unit"]) if match["unit"] else ""
        if unit is not None:
            digits = match["digits"].replace(",", "")
            return [Token("number", word, Decimal(digits), unit, len(digits.partition(".")[2]))]
    if re.fullmatch(r"[\d.,+\-/x×%e:~≈]+", word) and not re.fullmatch(r"\d+(?:\.\d+){2,}", word):
        raise StrangeError(word)
    return [Token("name", word)]


def _measured(tokens: list[Token]) -> list[Token]:
    """Numbers with the unit that follows them, which is then no word of its own."""
    found: list[Token] = []
    rest = list(tokens)
    while rest:
        token = rest.pop(0)
        if token.kind == "word" and token.text == "one" and (_unit_at(rest) is not None or _part_of(rest)):
            token = Token("number", "one", Decimal(1))
        if token.kind == "number" and not token.unit:
            at = _unit_at(rest)
            if at is not None:
                unit = "gpu" if rest[at].kind == "gpu" else lex.UNITS[rest[at].text]
                token = token._replace(unit=unit)
                if rest[at].kind == "word":
                    del rest[at]
        found.append(token)
    return found


def _part_of(tokens: list[Token]) -> bool:
    """`one of five`, `one of the five`."""
    texts = [token.text for token in tokens[:2]]
    after = tokens[2 if texts == ["of", "the"] else 1 :]
    return texts[:1] == ["of"] and bool(after) and after[0].kind == "number"


def _unit_at(tokens: list[Token]) -> int | None:
    """Where the unit stands: `four free GPUs`, `2 x L40S`, `4 L40S GPUs`."""
    for index, token in enumerate(tokens[:3]):
        after = tokens[index + 1] if index + 1 < len(tokens) else Token("", "")
        if token.kind == "gpu":
            return (
                index + 1 if after.kind == "word" and lex.UNITS.get(after.text) in ("gpu", "node") else index
            )
        if token.kind != "word":
            return None
        if token.text in ("gpu", "model") and after.kind == "word" and after.text in ("nodes", "node"):
            continue
        if token.text in lex.UNITS and token.text not in ("s", "b", "k"):
            return index
        if token.text not in lex.BETWEEN:
            return None
    return None
