"""What a question asks about: models, GPUs, arguments, a verdict, and words of a topic. English key words."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import msgspec

from modelcar_tui.core.text import clean
from modelcar_tui.supervisor.answers.names import COUNTS, named
from modelcar_tui.supervisor.state import RunState
from modelcar_tui.verdict import Verdict

_FLAG = re.compile(
    r"(--[a-z][a-z0-9-]+)(?:(?:[= ]| to | at | of )\s*([\d.]+[k%]?|fp8\w*|auto|half|double)(?![\w-]))?"
)
_BARE = (
    "tensor-parallel-size", "max-model-len", "max-num-seqs", "max-num-batched-tokens",
    "gpu-memory-utilization", "kv-cache-dtype", "trust-remote-code", "distributed-executor-backend",
    "enforce-eager", "served-model-name", "quantization", "dtype", "swap-space", "cpu-offload-gb",
    "chat-template", "limit-mm-per-prompt", "enable-prefix-caching", "enable-chunked-prefill",
    "tool-call-parser", "pipeline-parallel-size",
)  # fmt: skip
BARS = r"requests?|users?|sequences?|clients?|quer(?:y|ies)|people|persons?|customers?|visitors?"
"""Whoever is served at once."""
_WORDED = {"dtype", "quantization"}
"""Flags whose bare names are words of other questions, too."""
_COUNT = rf"((?<!\.)\d{{1,3}}|{'|'.join(COUNTS)})"
_GPUS = r"(?:gpus?|cards?|accelerators?)(?! (?:memory|nodes?|kinds?|util\w*))"
_NUMBER = r"(\d[\d,]*(?:\.\d+)?k?)"
_TO = r"(?: (?:is|to|of|at|were|was|size|length|with|up to))*"
_PATTERNS = (
    ("--max-model-len", rf"\b(?:context|ctx|length|window)(?: length| window| size)?{_TO} {_NUMBER}\b"),
    ("--max-model-len", rf"\b{_NUMBER}[ -](?:tokens?|context|ctx|window)\b(?! batch)"),
    ("--max-model-len", r"\b(\d{1,4}k)\b"),
    (
        "--max-num-seqs",
        rf"\b{_NUMBER} (?:concurrent |parallel |simultaneous )?(?:{BARS})\b|"
        rf"\bbatch(?: size)?{_TO} {_NUMBER}\b",
    ),
    ("--gpu-memory-utilization", rf"\b(?:memory[ -])?utili[sz]ation{_TO} (0?\.\d+|1\.0|\d{{1,3}} ?%)"),
    (
        "--gpu-memory-utilization",
        r"\b(\d{1,3} ?%|0?\.\d+) (?:of )?(?:the )?(?:gpu )?(?:memory )?util(?:i[sz]ation)?\b",
    ),
    (
        "--gpu-memory-utilization",
        r"\b(?:at|with|to) (\d{2,3} ?%|0\.\d+)(?: of (?:the )?(?:gpu|memory|vram).*)?$",
    ),
    ("--kv-cache-dtype", r"\b(fp8) (?:kv|cache)|\bkv(?:[- ]cache)?(?: in| as| of| with| dtype| to)* (fp8)\b"),
)
_RELATIVE = (
    ("half", r"\b(?:halv\w+|half)\b"),
    ("double", r"\b(?:doubl\w+|twice)\b"),
    ("quarter", r"\bquarter\b"),
)
_RELATED = (
    ("--max-num-seqs", r"\b(?:requests?|sequences?|concurrency|users)\b"),
    ("--gpu-memory-utilization", r"\butili[sz]ation\b"),
    ("--tensor-parallel-size", r"\b(?:gpus|cards)\b"),
    ("--max-model-len", r"\b(?:context|length|tokens|window)\b"),
)
_PARALLEL = re.compile(
    rf"\b(?:on|with|over|across|to|give\w*(?: \w+)?|gets?|had|have|has|use[sd]?|using) {_COUNT} "
    rf"{_GPUS}\b"
    r"|\btensor[- ]parallel\w*(?:[ -]size)?(?: of| to| at| is)? (\d+)|\btp ?=? ?(\d+)\b|"
    r"\bgpu[_ ]count(?: of| to| =|=)? ?(\d+)"
)
_OF_MORE = re.compile(
    r"\b(?:\d+|two|three|four|five|both|all|several|many)(?: \w+)? models\b|\breplicas?\b|\bcopies\b|"
    r"\binstances\b|\bshar(?:e[sd]?|ing)\b"
)
"""A count of GPUs beside these is not of one server."""
_AS_IT_IS = re.compile(
    r"\b(?:(?:do not|don'?t|without|no|never) (?:chang\w+|touch\w*|edit\w*|modify\w*)(?: (?:anything|it))?|"
    r"without qa|no qa)\b"
)
"""What is not to be done is not what is asked about."""
_MANY = re.compile(rf"\b{_COUNT} {_GPUS}\b")
_SUPPOSED = re.compile(r"\b(?:if|would|could|can|enough|suffice\w*|try|suppose)\b")
_OWN_WHY = re.compile(
    r"\b(?:why|warum|wieso)\b|\breasons?\b|\bwhat for\b|\bwhat (?:is|are|does|do)\b.*\bfor\b", re.IGNORECASE
)
NOT_GO = f"not {Verdict.GO}"
IF = re.compile(
    r"\bif\b|\binstead\b|\bwould\b|\bsuppose\b|\bwhat about\b|\btry\b|\bwith\b|\bcan\b|\bcould\b|\bdoes\b|"
    r"\bis\b|\bwill\b|"
    r"\benough\b|\bset\b|\bgive\b|\buse\b|\brun\b|\bserve\b|\bhandle\b|\bon (?:an?|the|\d+|one|two|four|"
    r"eight)\b|\bfits?\b",
    re.IGNORECASE,
)


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A question taken apart."""

    low: str
    """The whole question, in small letters."""
    rest: str
    """The same without models and GPUs."""
    models: tuple[str, ...] = ()
    variants: tuple[str, ...] = ()
    strangers: tuple[str, ...] = ()
    gpu: str = ""
    more_gpus: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    """Arguments that are named without a value."""
    arguments: Mapping[str, str] = {}
    """Arguments with values: those of a what-if."""
    verdict: str = ""
    why: bool = False

    def has(self, pattern: str) -> bool:
        """Whether the question says so; models' names don't count."""
        return re.search(rf"\b(?:{pattern})\b", self.rest) is not None

    def judged(self, verdict: object) -> bool:
        """Whether it asks about this verdict."""
        return verdict != Verdict.GO if self.verdict == NOT_GO else verdict == self.verdict

    @property
    def count(self) -> int:
        """GPUs of the product that it names; 0 where none are counted."""
        _, _, count = self.gpu.partition(":")
        return int(count) if count.isdecimal() else 0


def taken_apart(question: str, state: RunState) -> Asked:
    """What of a question is understood."""
    text = re.sub(r"[?!]+|\.(?=\s|$)", " ", clean(question)).strip()
    whose = named(text, state)
    rest = whose.rest.casefold().replace("’", "'")
    rest = re.sub(r" percent\b", "%", rest)
    rest = re.sub(r"\s+", " ", _AS_IT_IS.sub(" ", rest)).strip()
    why = _OWN_WHY.search(rest) is not None
    arguments = dict(_arguments(rest, why=why))
    flags = tuple(dict.fromkeys(flag for flag in _flags(rest) if flag not in arguments))
    return Asked(
        low=text.casefold(),
        rest=rest,
        models=whose.models,
        variants=whose.variants,
        strangers=whose.strangers,
        gpu=whose.gpu,
        more_gpus=whose.more_gpus,
        flags=flags,
        arguments=arguments,
        verdict=_verdict(rest),
        why=why,
    )


def _flags(rest: str) -> Iterator[str]:
    for match in _FLAG.finditer(rest):
        yield match[1]
    for bare in _BARE:
        words = bare.replace("-", "[ _-]")
        if bare not in _WORDED and re.search(rf"(?<![\w-]){words}(?![\w-])", rest):
            yield f"--{bare}"
    if re.search(r"\bgpu[_ ]count\b", rest):
        yield "gpu_count"


def _arguments(rest: str, *, why: bool) -> Iterator[tuple[str, str]]:
    if why:
        return  # `why --tensor-parallel-size 4` asks for the plan's reason
    written = [(match[1], _value(match[2])) for match in _FLAG.finditer(_with_dashes(rest)) if match[2]]
    if re.search(r"\beager\b", rest):
        yield "--enforce-eager", ""
    yield from written or _relative(rest) or _said(rest)


def _said(rest: str) -> Iterator[tuple[str, str]]:
    """Arguments in words: `32k tokens of context`, `4 GPUs`."""
    seen: set[str] = set()
    for flag, pattern in _PATTERNS:
        if flag not in seen and (found := re.search(pattern, rest)):
            seen.add(flag)
            yield flag, _value(next(group for group in found.groups() if group))
    if _OF_MORE.search(rest):
        return
    if many := _PARALLEL.search(rest) or ((seen or _SUPPOSED.search(rest)) and _MANY.search(rest)):
        count = next(group for group in many.groups() if group)
        yield "--tensor-parallel-size", str(COUNTS.get(count, count))


def _with_dashes(rest: str) -> str:
    for bare in _BARE:
        if bare not in _WORDED:
            rest = re.sub(rf"(?<![\w-]){bare.replace('-', '[ _-]')}(?![\w-])", f"--{bare}", rest)
    return rest


def _value(text: str) -> str:
    text = text.replace(",", "").rstrip(".")
    return f"{int(text.rstrip(' %')) / 100:g}" if text.endswith("%") else text


def _relative(rest: str) -> list[tuple[str, str]]:
    """`half the context`: a flag and the word."""
    word = next((word for word, pattern in _RELATIVE if re.search(pattern, rest)), None)
    flag = next((flag for flag, topic in _RELATED if re.search(topic, rest)), None)
    return [(flag, word)] if word and flag else []


def _verdict(rest: str) -> str:
    """The verdict that is asked about; `not GO` is any other."""
    if re.search(r"(?:\bnot|n't)(?: \w+)? go\b", rest):
        return NOT_GO
    for word, pattern in (
        (Verdict.NO_GO, r"\bno[\s-]?go\b"),
        (Verdict.UNKNOWN, r"\bunknown\b"),
        (Verdict.GO, r"\bgo\b"),
    ):
        if re.search(pattern, rest):
            return str(word)
    return ""
