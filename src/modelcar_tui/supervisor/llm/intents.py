"""Questions that need no language model: why, what if, which GPU. English key words; the real solver
answers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import msgspec

from modelcar_tui.core.text import clean
from modelcar_tui.supervisor.llm.question import WhatIf
from modelcar_tui.supervisor.llm.reading import names
from modelcar_tui.supervisor.state import RunState

MOST_MODELS = 8
_WHY = re.compile(r"\bwhy\b|\breasons?\b|\bwhat (?:is|'s) wrong\b", re.IGNORECASE)
_WHICH = re.compile(
    r"\b(?:which|what|whose) (?:other )?(?:gpus?|cards?|accelerators?)\b|\bwhere\b|\bwould do\b",
    re.IGNORECASE,
)
_IF = re.compile(
    r"\bif\b|\binstead\b|\bwould\b|\bon (?:an?|the|\d+|one|two|four|eight)\b|\bfits?\b", re.IGNORECASE
)
_ASKS = re.compile("|".join(words.pattern for words in (_WHY, _IF, _WHICH)), re.IGNORECASE)
_FLAG = re.compile(r"(--[a-z][a-z-]+)(?:[= ]\s*([\w.]+))?")
_COUNTS = {"a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "eight": 8, "sixteen": 16}
_NUMBER = r"(\d[\d,]*(?:\.\d+)?k?)"
_PATTERNS = (
    ("--max-model-len", rf"(?:context|length)(?: length)?(?: is| to| of| at| were| was)? {_NUMBER}\b"),
    ("--max-model-len", rf"{_NUMBER}[ -](?:tokens?|context)"),
    ("--max-num-seqs", rf"{_NUMBER} (?:concurrent )?(?:requests?|sequences?|users?)\b"),
    ("--gpu-memory-utilization", r"utili[sz]ation(?: is| to| of| at| were| was)? (0?\.\d+|\d{1,2} ?%)"),
    ("--kv-cache-dtype", r"\b(fp8) (?:kv|cache)|\bkv(?:[- ]cache)?(?: in| as| of| with| dtype)? (fp8)\b"),
)
_RELATIVE = (
    ("half", r"\b(?:halv\w+|half)\b"),
    ("double", r"\b(?:doubl\w+|twice)\b"),
    ("quarter", r"\bquarter\b"),
)
_TOPICS = (
    ("--max-num-seqs", r"\b(?:requests?|sequences?|concurrency|users)\b"),
    ("--gpu-memory-utilization", r"\butili[sz]ation\b"),
    ("--tensor-parallel-size", r"\bgpus?\b"),
    ("--max-model-len", r"\b(?:context|length|tokens)\b"),
)


class Understood(msgspec.Struct, frozen=True, kw_only=True):
    """What a question asks for."""

    kind: str
    """`why`, `which` or `what-if`."""
    models: tuple[str, ...]
    verdict: str = ""
    """Only models with this verdict, where one is asked about."""
    what_ifs: tuple[WhatIf, ...] = ()


def understand(question: str, state: RunState) -> Understood | None:
    """The question's kind with its models, arguments and GPU; None where it is none of these."""
    if state.decision is None or not state.models:
        return None
    text = re.sub(r"[?!.]+(?:\s|$)", " ", question).strip()
    models, rest = _models(text, state)
    gpu, rest = _gpu(rest, state)
    arguments, verdict, why = dict(_arguments(rest)), _verdict(question), bool(_WHY.search(text))
    chosen = (models or _all(state, verdict if why else ""))[:MOST_MODELS]
    if not chosen:
        return Understood(kind="why", models=(), verdict=verdict)
    if not arguments and not gpu and _WHICH.search(rest):
        return Understood(kind="which", models=chosen)
    if arguments or (gpu and _ASKS.search(text)):
        asked = tuple(WhatIf(model=name, arguments=arguments, gpu=gpu or None) for name in chosen)
        return Understood(kind="what-if", models=chosen, what_ifs=asked)
    return Understood(kind="why", models=chosen, verdict=verdict) if why else None


def suggestions(state: RunState) -> tuple[str, ...]:
    """Questions worth asking of this run, the first ones first."""
    if state.decision is None or not state.decision.models:
        return ()
    blocked = [model for model in state.decision.models if model.verdict != "GO"]
    model = (blocked or state.decision.models)[0]
    name = clean(model.model, limit=120)
    why = f"why {model.verdict}: {name}?"
    return (why, f"which GPU would do for {name}?", f"what if I halve the context of {name}?")


def _models(text: str, state: RunState) -> tuple[tuple[str, ...], str]:
    """The models that a question names, by name or by an unmistakable beginning; and the rest of it."""
    writings = names((model.car.name for model in state.models), ()).models
    found: list[str] = []
    for writing in sorted(writings, key=len, reverse=True):
        pattern = re.compile(rf"(?<![\w.-]){re.escape(writing)}(?![\w-]|\.\w)", re.IGNORECASE)
        text, hits = pattern.subn(" ", text)
        if hits and writings[writing] not in found:
            found.append(writings[writing])
    return tuple(found), text


def _all(state: RunState, verdict: str) -> tuple[str, ...]:
    """All models, or those with a verdict."""
    if verdict and state.decision is not None:
        return tuple(model.model for model in state.decision.models if model.verdict == verdict)
    return tuple(model.car.name for model in state.models)


def _relative(low: str) -> list[tuple[str, str]]:
    """`half the context`: a flag and the word."""
    word = next((word for word, pattern in _RELATIVE if re.search(pattern, low)), None)
    flag = next((flag for flag, topic in _TOPICS if re.search(topic, low)), None)
    return [(flag, word)] if word and flag else []


def _gpu(text: str, state: RunState) -> tuple[str, str]:
    """`L40S` or `NVIDIA-H200:2`, of the run's products and of all that are known."""
    from modelcar_tui.hardware import products

    nodes = state.cluster.inventory.nodes if state.cluster else ()
    own = dict.fromkeys(product for node in nodes for product in node.products)
    for known in (own, products()):
        if found := _product(text, names((), known).gpus):
            return found
    parts = {part.casefold() for product in products() for part in product.split("-")}
    for match in re.finditer(
        r"(?:(\d+) ?[x×]? ?)?\b([a-z]{1,4}\d{1,4}[a-z]{0,3}?)(?:s\b|\b)(?::(\d+))?", text, re.I
    ):
        if match[2].casefold() in parts:
            # More than one product is called so: the what-if names them.
            return f"{match[2]}:{match[3] or match[1] or 1}", _without(text, match)
    return "", text


def _product(text: str, writings: Mapping[str, str]) -> tuple[str, str] | None:
    """The product that the text writes in one of these ways, with its count, and the rest of the text."""
    for writing in sorted(writings, key=len, reverse=True):
        name = r"[\s-]".join(re.escape(part) for part in writing.split("-"))
        counts = "|".join(_COUNTS)
        pattern = rf"(?:\b(\d+|{counts})(?: ?[x×])? )?(?<![\w.-]){name}s?(?![\w-])(?::(\d+))?"
        if match := re.search(pattern, text, re.IGNORECASE):
            count = match[2] or match[1] or ""
            many = _COUNTS.get(count.casefold(), count) if count.casefold() not in ("a", "an") else ""
            return (f"{writings[writing]}:{many}" if many else writings[writing]), _without(text, match)
    return None


def _without(text: str, match: re.Match[str]) -> str:
    return text[: match.start()] + " " + text[match.end() :]


def _arguments(text: str) -> Iterator[tuple[str, str]]:
    low = text.casefold()
    if given := [(match[1], match[2] or "") for match in _FLAG.finditer(low)] or _relative(low):
        yield from given
        return
    seen: set[str] = set()
    for flag, pattern in _PATTERNS:
        if flag not in seen and (match := re.search(pattern, low)):
            seen.add(flag)
            value = next(group for group in match.groups() if group).replace(",", "")
            yield flag, f"{int(value.rstrip(' %')) / 100:g}" if value.endswith("%") else value
    if match := re.search(
        r"\b(?:on|with) (\d+|two|four|eight) gpus?\b|tensor[- ]parallel\w*(?: size)? (\d+)", low
    ):
        count = match[1] or match[2]
        yield "--tensor-parallel-size", str(_COUNTS.get(count, count))
    if "enforce eager" in low or "eager mode" in low:
        yield "--enforce-eager", ""


def _verdict(question: str) -> str:
    for word, pattern in (("NO-GO", r"\bno[\s-]?go\b"), ("UNKNOWN", r"\bunknown\b"), ("GO", r"\bgo\b")):
        if re.search(pattern, question, re.IGNORECASE):
            return word
    return ""
