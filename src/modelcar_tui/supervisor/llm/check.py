"""Does what a model wrote agree with the facts that it was given? A pure function; doubt means no.

Numbers must be among the facts' numbers (rounded as written, with the same unit), names of products, models
and flags among their names, and verdict words must be the verdicts of the models that the sentence names.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from decimal import Decimal

import msgspec

from modelcar_tui.core.text import has_hidden
from modelcar_tui.supervisor.llm.mentions import Mentions, Number, mentions

MOST_CHARS = 900
_VOCABULARY = (
    "nvidia amd intel google aws ibm habana gaudi gaudi2 gaudi3 hopper ampere ada lovelace blackwell turing volta"
    " pascal instinct spyre trainium inferentia tpu neuron rtx quadro tesla rubin grace radeon"
    " llama granite mistral mixtral ministral qwen gemma deepseek phi falcon gpt claude gemini grok nemotron kimi"
    " fp8 fp16 bf16 fp4 nvfp4 mxfp4 int8 int4 awq gptq marlin bitsandbytes gguf fp32"
    " openshift rhoai kserve podman kubernetes vllm triton sglang tgi llamacpp ollama ray"
)
_KNOWN_WORDS = frozenset(_VOCABULARY.split())
"""Names that mean something here: said only where the facts say them."""
_FREE = frozenset(("openshift", "kubernetes", "vllm", "kserve"))
_LINKS = re.compile(r"https?:|www\.|\]\(|<[a-z/]|@\w+\.\w", re.IGNORECASE)
_ORDERS = re.compile(
    r"\b(?:press|type|paste|click|visit|approve[ds]?|curl|wget|sudo|password|passwd|credential|ignore|disregard|"
    r"instructions?|system prompt|api[ _]key|oc login|kubectl|eval)\b",
    re.IGNORECASE,
)
_NO_GO = re.compile(r"\bno[\s‐-―-]*go\b", re.IGNORECASE)
_GO = re.compile(r"\bgo\b", re.IGNORECASE)
_UNKNOWN = re.compile(r"\bUNKNOWN\b|\bverdict\b[^.]*\bunknown\b|\bundecided\b")
_FINE = re.compile(
    r"\b(?:fits?|fitting|runs?|running|starts?|works?|serves?|served|suffices?|sufficient|enough|ready|safe|supported|"
    r"compatible|pass(?:es|ed)?|succeed(?:s|ed)?|successful(?:ly)?|deployable|viable|feasible|fine|ok|okay|healthy|"
    r"green|cleared|approval)\b",
    re.IGNORECASE,
)
_NOT = re.compile(
    r"\b(?:not|cannot|no|never|without|none|neither|nor|unable|too|insufficient|lacks?|lacking|fails?|failed|"
    r"refuse[sd]?|exceeds?|exceeding|unsupported|impossible|unknown|needs?|requires?|short)\b|n['’]t\b",
    re.IGNORECASE,
)
_BAD = re.compile(
    r"\b(?:cannot|can['’]t|fails?|failed|insufficient|exceeds?|refuse[sd]?|unsupported|impossible|incompatible|broken|"
    r"out of memory|too (?:large|big|small|little)|not (?:fit|run|start|work|enough|supported|possible))\b",
    re.IGNORECASE,
)
_HEDGE = re.compile(r"\b(?:if|would|could|once|whether|unless)\b", re.IGNORECASE)
_SENTENCES = re.compile(r"(?<=[.!?;])\s+|\n+")


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """What a text may say."""

    texts: tuple[str, ...]
    """The facts as they were sent, ids included."""
    numbers: tuple[tuple[float, str], ...] = ()
    """Values with their units, besides the numbers in `texts`."""
    verdicts: Mapping[str, str] = {}
    """`GO`, `NO-GO` or `UNKNOWN` of each model."""
    overall: str = ""
    """The manifest's verdict; empty before there is one: then no verdict may be told."""
    went: str = ""
    """`GO` or `NO-GO` where the facts tell how something went without a verdict, as QA's outcome does."""
    strict: bool = False
    """Also `would fit` and `if` must agree with the verdicts: for answers to a what-if."""


def fault(prose: str, known: Known) -> str:
    """The first thing in `prose` that the facts don't bear out, or the empty text."""
    prose = unicodedata.normalize("NFKC", prose)
    if not prose.strip():
        return "it is empty"
    if len(prose) > MOST_CHARS:
        return f"it is longer than {MOST_CHARS} characters"
    if has_hidden(prose.replace("\n", " ")) or "\N{REPLACEMENT CHARACTER}" in prose:
        return "it has hidden characters"
    if _LINKS.search(prose):
        return "it has a link or markup"
    corpus = "\n".join(known.texts).casefold()
    if (order := _ORDERS.search(prose)) and not _names(order[0], known):
        return f"it gives orders: {order[0]}"
    told = mentions(prose)
    if told.strange:
        return f"a number in a strange form: {told.strange[:40]}"
    return _numbers(told, known) or _unknown_names(told, prose, corpus) or _verdicts(prose, known)


def _names(word: str, known: Known) -> bool:
    """Whether a word is part of a model's name, which may be said."""
    return any(word.casefold() in name.casefold() for name in known.verdicts)


def _numbers(told: Mentions, known: Known) -> str:
    facts: set[tuple[Decimal, str]] = {(Decimal(repr(value)), unit) for value, unit in known.numbers}
    for text in known.texts:
        facts |= {(number.value, number.unit) for number in mentions(text).numbers}
    for number in told.numbers:
        if not any(_same(number, value, unit) for value, unit in facts):
            unit = f" {number.unit}" if number.unit else ""
            return f"{number.value}{unit} is in no fact"
    return ""


def _same(number: Number, value: Decimal, unit: str) -> bool:
    said = number.value
    if number.unit == "%" and unit in ("", "share"):
        return 0 < value <= 1 and said == value * 100
    if number.unit == "k":
        return unit in ("", "token") and value in (said * 1000, said * 1024)
    if number.unit not in ("", unit) and not (unit == "" and said >= 1000):
        return False
    if said == value:
        return True
    near = abs(said - value) <= Decimal(5) * Decimal(10) ** (-number.decimals - 1)
    return near and value >= 10 and value != value.to_integral_value()


def _unknown_names(told: Mentions, prose: str, corpus: str) -> str:
    for name in told.names:
        if not _said(name, corpus):
            return f"{name[:60]} is in no fact"
    for word in re.findall(r"[A-Za-z][A-Za-z0-9]+", prose):
        key = word.casefold()
        if key in _KNOWN_WORDS - _FREE and not _said(key, corpus):
            return f"{word} is in no fact"
    return ""


def _said(name: str, corpus: str) -> bool:
    """Whether a name stands in the facts as a whole, also in the plural, in the genitive or in parts."""
    forms = {name, name.removesuffix("'s").removesuffix("’s"), name.removesuffix("s")}
    if any(_whole(form, corpus) for form in forms):
        return True
    parts = [part for part in re.split(r"[-/]", name) if any(char.isdigit() for char in part)]
    return name[:1] != "-" and len(parts) >= 1 and parts != [name] and all(_said(part, corpus) for part in parts)


def _whole(name: str, corpus: str) -> bool:
    return bool(name) and re.search(rf"(?<![a-z0-9.]){re.escape(name)}(?![a-z0-9]|\.\d)", corpus) is not None


def _verdicts(prose: str, known: Known) -> str:
    subject: set[str] = set()
    for sentence in _SENTENCES.split(prose):
        named = {name for name in known.verdicts if _whole(name.casefold(), sentence.casefold())}
        subject = named or subject
        right = {known.verdicts[name] for name in named} | (set() if named else {known.overall} - {""})
        bare = sentence.casefold()
        for name in named:
            bare = bare.replace(name.casefold(), " ")
        if why := _sentence(bare, sentence, right, known):
            return why
        if not named and subject and _claims(bare, {known.verdicts[name] for name in subject}, known.strict):
            return f"it contradicts a verdict: {sentence[:80]}"
    return ""


def _sentence(bare: str, sentence: str, right: set[str], known: Known) -> str:
    words = set()
    if _NO_GO.search(bare):
        words.add("NO-GO")
    if _GO.search(_NO_GO.sub(" ", bare)):
        words.add("GO")
    if _UNKNOWN.search(sentence):
        words.add("UNKNOWN")
    if words - right:
        return f"it says {', '.join(sorted(words - right))}, which is not the verdict"
    if len(right) > 1 and words and words != right:
        return "it gives one verdict for models that have several"
    went = right or {known.went} - {""}
    return f"it contradicts the verdict: {sentence[:80]}" if _claims(bare, went, known.strict) else ""


def _claims(bare: str, right: set[str], strict: bool) -> bool:
    """Whether a sentence says that all is well, or that it is not, against the verdict."""
    if not right:
        return bool(_FINE.search(bare) or _BAD.search(bare))
    if _HEDGE.search(bare) and not strict:
        return False
    if "GO" not in right:
        return bool(_FINE.search(bare)) and not _NOT.search(bare)
    return right == {"GO"} and bool(_BAD.search(bare))
