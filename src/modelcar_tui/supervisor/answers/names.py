"""How operators write models and GPUs: `granite`, `the 70B`, `the w4a16 llama`, `4 L40S`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

import msgspec

from modelcar_tui.hardware import product_named, products
from modelcar_tui.supervisor.state import RunState
from modelcar_tui.verdict import ModelRequirements

_WORDS = re.compile(r"[^\W_]+(?:\.[^\W_]+)*")
_ORDINARY = """
    a an and are as at base be big can chat code coder do does embed embedding for from get guard hf how
    if in instruct is it large latest lite long main medium mini model models my new next no of on one
    only or out preview pro quantized quantised run size small so text that the then this thinking to
    turbo two up v was we what when which why will with without your version vision test prod dev eval
    fast max min plus flash high low all any both each free gpu gpus node nodes cluster context cache
    memory go nogo qa test tests pass why next plan fit fits change changes accept
"""
"""Parts of models' names that are words of questions, too: alone they name nothing."""
_ORDINARY_WORDS = frozenset(_ORDINARY.split())
_QUANTIZED = re.compile(
    r"w\d{1,2}a\d{1,2}|fp[48]|int[48]|nf4|mxfp4|nvfp4|awq|gptq|gguf|bf16|fp16|[48][ -]?bits?|bnb|"
    r"bitsandbytes",
    re.IGNORECASE,
)
_FAMILIES = re.compile(
    r"\b(?:llama|mistral|mixtral|ministral|codestral|magistral|pixtral|qwen|qwq|whisper|granite|gemma|phi|deepseek|falcon|"
    r"nemotron|gpt|oss|kimi|glm|chatglm|olmo|molmo|minimax|bert|bge|e5|voxtral|internvl|command-?r|cohere|aya|dbrx|jamba|"
    r"mamba|starcoder|smollm|exaone|ernie|hunyuan|yi|t5|bart|nomic|jina|minicpm|llava|paligemma|moonlight|seed|apertus)"
    r"(?:[-_. ]?v?\d[\w.]*)?(?:-[\w.]+)*|\b\d+(?:\.\d+)?[bB]\b",
    re.IGNORECASE,
)
"""Families and sizes of models, as operators write them."""
COUNTS = {"a": 1, "an": 1, "one": 1, "single": 1, "two": 2, "three": 3, "four": 4, "eight": 8, "sixteen": 16}
_COUNT = rf"\d{{1,4}}|{'|'.join(COUNTS)}"
_MOST_CARDS = 6
_MOST_GPUS = 3
_ALIKE = {"w4a16": ("4bit", "int4"), "w8a8": ("8bit", "int8"), "fp8": ("8bit",), "mxfp4": ("4bit",)}
_KEY_WORDS = frozenset("go nogo no-go unknown gpu gpus node nodes qa context cache memory plan why".split())  # noqa: SIM905
"""Names of models that are words of questions, too: they name one only where a sentence has its subject."""
_SIZED = re.compile(r"\b(?:(small\w*|little|tiny|tiniest)|big\w*|large[rst]*|huge)\s+$", re.IGNORECASE)
_BY_MEMORY = re.compile(
    rf"(?:\b({_COUNT})(?: ?[x×])? )?\b(\d{{2,3}})[ -]?(?:gb|gib|g)[ -](?:gpu|card|accelerator|vram)s?\b",
    re.IGNORECASE,
)
_CLOSE = 0.85
_TABLE = re.compile(
    r"(?:\b(\d+) ?[x×]? ?|\b)([a-z]{1,4}\d{1,4}[a-z]{0,3}?)(?:s\b|\b)(?::(\d+))?", re.IGNORECASE
)


class Span(NamedTuple):
    """A place of a question that names somebody."""

    start: int
    end: int
    names: tuple[str, ...]
    """Models; a product alone where it is a GPU."""
    gpu: str = ""
    """`PRODUCT`, or `PRODUCT:COUNT`."""


class Named(msgspec.Struct, frozen=True, kw_only=True):
    """Who a question names."""

    models: tuple[str, ...] = ()
    variants: tuple[str, ...] = ()
    """Quantizations that are asked about and that no model named has."""
    strangers: tuple[str, ...] = ()
    """What is called as a model is, and is none of this run."""
    gpu: str = ""
    """`PRODUCT`, or `PRODUCT:COUNT` where a count is said."""
    more_gpus: tuple[str, ...] = ()
    """Further ones: `on an A100 or an L40S`."""
    rest: str = ""
    """The question without them."""


def named(text: str, state: RunState) -> Named:
    """Models and GPUs of a question, by any writing that means exactly one, or one family of them."""
    spans = spans_of(text, state)
    models = {name for span in spans if not span.gpu for name in span.names}
    gpus = tuple(dict.fromkeys(span.gpu for span in spans if span.gpu))
    for span in reversed(spans):
        text = f"{text[: span.start]} {text[span.end :]}"
    chosen = [model for model in state.models if model.car.name in models]
    return Named(
        models=tuple(model.car.name for model in chosen),
        variants=_variants(text, chosen or state.models),
        strangers=_strangers(text, state.models),
        gpu=next(iter(gpus), ""),
        more_gpus=gpus[1:],
        rest=text,
    )


def _variants(text: str, models: Sequence[ModelRequirements]) -> tuple[str, ...]:
    """The quantizations of weights that a text speaks of, and that none of these models has."""
    known = {part for model in models for part in _parts(model)}
    asked = [_plain(match[0]) for match in _QUANTIZED.finditer(text) if not _of_cache(text, match)]
    return tuple(dict.fromkeys(word for word in asked if word not in known))


def _strangers(text: str, models: Sequence[ModelRequirements]) -> tuple[str, ...]:
    """What a text calls as models are called, and that is part of no model's name."""
    known = {part for model in models for part in _parts(model)}
    families = [match[0] for match in _FAMILIES.finditer(text)]
    return tuple(dict.fromkeys(word for word in families if _plain(word) not in known))


def spans_of(text: str, state: RunState) -> list[Span]:
    """Where a question names models and a GPU, in the order of the text."""
    spans = _model_spans(text, state.models)
    blank = text
    for span in spans:
        blank = blank[: span.start] + " " * (span.end - span.start) + blank[span.end :]
    gpus: list[Span] = []
    while len(gpus) < _MOST_GPUS and (gpu := _gpu_span(blank, state)):
        gpus.append(gpu)
        blank = blank[: gpu.start] + " " * (gpu.end - gpu.start) + blank[gpu.end :]
    return sorted([*spans, *gpus], key=lambda span: span.start)


def _of_cache(text: str, match: re.Match[str]) -> bool:
    """`fp8 KV cache`, `--kv-cache-dtype=fp8`: no quantization of weights."""
    around = text[max(0, match.start() - 24) : match.end() + 14].casefold()
    return "cache" in around or "kv" in around


def _plain(text: str) -> str:
    return re.sub(r"[ -]", "", text.casefold()).removesuffix("s")


def _model_spans(text: str, models: Sequence[ModelRequirements]) -> list[Span]:
    """The models by their full names, else by runs of words that are parts of a name."""
    spans = list(_full_names(text, models))
    for span in spans:
        text = text[: span.start] + " " * (span.end - span.start) + text[span.end :]
    spans += _by_parts(text, models)
    spans = spans or _misspelt(text, {model.car.name: _parts(model) for model in models})
    named = [span for span in spans if not _QUANTIZED.fullmatch(text[span.start : span.end].strip())]
    return named or spans  # `int4` beside a model's name is a variant of that model


def _full_names(text: str, models: Sequence[ModelRequirements]) -> Iterator[Span]:
    for name in sorted((model.car.name for model in models), key=len, reverse=True):
        pattern = re.compile(rf"(?<![\w.-]){re.escape(name)}(?![\w-]|\.\w)", re.IGNORECASE)
        for match in pattern.finditer(text):
            if name.casefold() not in _KEY_WORDS or _is_subject(text, match):
                yield Span(*match.span(), (name,))
                text = text[: match.start()] + " " * len(match[0]) + text[match.end() :]


def _by_parts(text: str, models: Sequence[ModelRequirements]) -> Iterator[Span]:
    parts = {model.car.name: _parts(model) for model in models}
    vocabulary = frozenset().union(*parts.values()) if parts else frozenset()
    for found in _runs(text, vocabulary):
        run = found
        fits = _fitting(run, parts)
        if not fits:  # `int4 70b` is a variant of the 70b
            run = [word for word in run if not _QUANTIZED.fullmatch(word[0])]
            fits = _fitting(run, parts) if _telling(run) else ()
        if not fits:
            continue
        fits = _of_size(text[: run[0].start()], fits, models)
        if len(fits) < max(2, len(parts)):
            yield Span(run[0].start(), run[-1].end(), fits)


def _fitting(run: Sequence[re.Match[str]], parts: Mapping[str, frozenset[str]]) -> tuple[str, ...]:
    words = {_plain(word[0]) for word in run}
    return tuple(name for name, own in parts.items() if words <= own)


def _is_subject(text: str, match: re.Match[str]) -> bool:
    """`is go GO?`, `the model go`: a key word that stands where a model's name does."""
    before, after = text[: match.start()], text[match.end() :]
    called = re.search(r"\b(?:models?|called|named|of|for)\s+[`'\"]?$", before, re.IGNORECASE)
    judged = re.match(r"\s+(?:no-?go|go|unknown|fit|run|need)s?\b", after, re.IGNORECASE)
    return called is not None or (
        judged is not None and re.search(r"\b(?:is|does|can|why is)\s+$", before) is not None
    )


def _of_size(before: str, fits: tuple[str, ...], models: Sequence[ModelRequirements]) -> tuple[str, ...]:
    """`the small llama` of several: the one with the fewest parameters, where all are known."""
    sized = _SIZED.search(before)
    sizes = {one.car.name: one.image.model.parameters.value for one in models if one.car.name in fits}
    known = {name: size for name, size in sizes.items() if size is not None}
    if sized is None or len(fits) < 2 or len(known) < len(fits):
        return fits
    wanted = (min if sized[1] else max)(known.values())
    return tuple(name for name, size in known.items() if size == wanted)


def _misspelt(text: str, parts: Mapping[str, frozenset[str]]) -> list[Span]:
    """`graniet`, `embedding gemma`: what is nearly part of a name, where nothing else names a model."""
    known = {word for own in parts.values() for word in own if word.isalpha() and len(word) >= 5}
    known -= _ORDINARY_WORDS
    for start, end, word in _long_words(text) if known else ():
        near = get_close_matches(_plain(word), known, 1, _CLOSE)
        fits = tuple(name for name, own in parts.items() if near and near[0] in own)
        if fits and len(fits) < max(2, len(parts)):
            return [Span(start, end, fits)]
    return []


def _long_words(text: str) -> Iterator[tuple[int, int, str]]:
    """Pairs of words as one, then words, that are long enough to be told apart when misspelt."""
    words = [word for word in _WORDS.finditer(text) if word[0].isalpha()]
    for one, other in pairwise(words):
        if len(one[0] + other[0]) >= 8:
            yield one.start(), other.end(), one[0] + other[0]
    for word in words:
        if len(word[0]) >= 5 and word[0].casefold() not in _ORDINARY_WORDS:
            yield word.start(), word.end(), word[0]


def _runs(text: str, vocabulary: frozenset[str]) -> Iterator[list[re.Match[str]]]:
    """Neighbouring words that are parts of names, at least one of them no ordinary word or number."""
    run: list[re.Match[str]] = []
    for word in [*_WORDS.finditer(text), None]:
        if word is not None and _plain(word[0]) in vocabulary and _joined(text, run, word):
            run.append(word)
            continue
        if _telling(run):
            yield run
        run = [word] if word is not None and _plain(word[0]) in vocabulary else []


def _joined(text: str, run: Sequence[re.Match[str]], word: re.Match[str]) -> bool:
    return not run or re.fullmatch(r"[\s_/-]{0,3}", text[run[-1].end() : word.start()]) is not None


def _telling(run: Sequence[re.Match[str]]) -> bool:
    words = [_plain(word[0]) for word in run]
    return any(word not in _ORDINARY_WORDS and not re.fullmatch(r"[\d.]+|\w", word) for word in words)


def _parts(model: ModelRequirements) -> frozenset[str]:
    """The words of a name, with its size and its quantization where they are known."""
    name = model.car.name.casefold()
    parts = set(re.split(r"[-_/:\s]+", name)) | set(_WORDS.findall(name))
    parts |= {_plain(part) for part in parts}
    for word in re.findall(r"[a-z]+|\d+[bm]", name):
        if len(word) >= 4 or word[0].isdigit():
            parts.add(word)
    size = model.image.model.parameters.value
    if size and size >= 1e9:
        parts |= {f"{size / 1e9:.0f}b"}
    quantized = (model.image.model.quantization_name.value or "").casefold()
    for word in _QUANTIZED.findall(f"{name} {quantized}"):
        parts |= {_plain(word), *_ALIKE.get(_plain(word), ())}
    if quantized:
        parts |= {"quantized", "quantised"}
    if model.image.model.quantization_name.known and not quantized:
        parts |= {"bf16", "fp16"}
    return frozenset(part for part in parts if part)


def gpus_written(names: Iterable[str]) -> dict[str, str]:
    """Every writing that means exactly one of these products: casefolded writing to product."""
    found: dict[str, set[str]] = {}
    every = list(dict.fromkeys(names))
    for name in every:
        for writing in {name.casefold(), *_short(name.casefold())}:
            found.setdefault(writing, set()).add(name)
    exact = {name.casefold(): name for name in every}
    return {writing: next(iter(whose)) for writing, whose in found.items() if len(whose) == 1} | exact


def _short(name: str) -> list[str]:
    parts = [
        part
        for part in name.split("-")
        if re.search(r"\d", part) and re.search(r"[a-z]", part) and not re.fullmatch(r"\d+gb|hbm\d\w?", part)
    ]
    return [*parts, f"nvidia-{name}", *(f"nvidia-{part}" for part in parts)]


def _gpu_span(text: str, state: RunState) -> Span | None:
    """`L40S` or `NVIDIA-H200:2`, of the run's products and of all that are known."""
    nodes = state.cluster.inventory.nodes if state.cluster else ()
    own = dict.fromkeys(product for node in nodes for product in node.products)
    for known in (gpus_written(own), _table()):
        if found := _product(text, known):
            return found
    if match := _BY_MEMORY.search(text):
        count = COUNTS.get((match[1] or "").casefold(), match[1] or "")
        size = f"{match[2]}GB"
        return Span(*match.span(), (size,), f"{size}:{count}" if count else size)
    parts = _table_parts()
    for match in _TABLE.finditer(text):
        if match[2].casefold() in parts:
            # More than one product may be called so.
            count = match[3] or match[1] or ""
            return Span(*match.span(), (match[2],), match[2] + f":{count}" * bool(count))
    return None


@lru_cache(maxsize=1)
def _table() -> Mapping[str, str]:
    return gpus_written(products())


def meant(gpu: str, state: RunState) -> tuple[str, ...]:
    """`A100:2` as each card of the table that is called so; what is one card alone stays as it is."""
    product, colon, count = gpu.partition(":")
    nodes = state.cluster.inventory.nodes if state.cluster else ()
    own = {name.casefold() for node in nodes for name in node.products}
    if not product or product.casefold() in own or product.casefold() in _table():
        return (gpu,)
    cards = [card for card in products() if product.casefold() in card.casefold().split("-")]
    if size := re.fullmatch(r"(\d+)GB", product):
        cards = [card for card in products() if _gib(card) == int(size[1])]
    return tuple(f"{card}{colon}{count}" for card in cards[:_MOST_CARDS]) or (gpu,)


def _gib(card: str) -> int | None:
    known = product_named(card)
    return round(known.memory_mib / 1024) if known is not None and known.memory_mib else None


@lru_cache(maxsize=1)
def _table_parts() -> frozenset[str]:
    return frozenset(part.casefold() for product in products() for part in product.split("-"))


def _spaced(part: str) -> str:
    """A word with its number, which may stand apart: `gaudi3`, `gaudi 3`."""
    word = re.fullmatch(r"([a-z]{4,})(\d+)", part)
    return rf"{word[1]}[\s-]?{word[2]}" if word else re.escape(part)


def _product(text: str, writings: Mapping[str, str]) -> Span | None:
    """The product that the text writes in one of these ways, with its count."""
    low = text.casefold()
    for writing in sorted(writings, key=len, reverse=True):
        if writing.split("-")[0] not in low.replace(" ", ""):
            continue
        name = r"[\s-]".join(_spaced(part) for part in writing.split("-"))
        before = rf"(?:\b({_COUNT})(?: ?[x×])? (?:nvidia[ -])?)?(?:\b(\d{{1,4}})[x×] ?)?"
        if match := re.search(rf"{before}(?<![\w.-]){name}s?(?![\w-])(?::(\d+))?", low):
            count = match[3] or match[2] or match[1] or ""
            many = "" if count in ("a", "an") else COUNTS.get(count, count)
            product = writings[writing]
            return Span(*match.span(), (product,), f"{product}:{many}" if many else product)
    return None
