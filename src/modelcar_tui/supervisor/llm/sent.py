"""What leaves the machine: ids of facts with typed values, built from values alone, never from a sentence.

Names are pseudonyms; a word from outside goes out only where it is one of a closed list.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence

from modelcar_tui.supervisor.answers import STATEMENTS, RunFact
from modelcar_tui.supervisor.llm.pseudonyms import Pseudonyms, is_flag

SHARES = (
    "sizes, quantization, VRAM needs and verdicts of models, which are called model-1, model-2 and so on",
    "their serving arguments about memory (context length, sequences, utilization, KV cache type, "
    "parallel size)",
    "memory, total and free counts of GPUs, which are called gpu-1; how many are on which node, node-1",
    "codes of findings, of QA's outcome and of proposed changes; the vLLM version",
    "your own questions, with names of models, GPUs and whatever else is shaped as a name left out",
    "never: names, images, hosts, users, paths, contexts, reasons in words, log lines, comments, keys",
)
MOST_FACTS = 160
MOST_BYTES = 24_000
MOST_TRIED = 20
"""Facts of one what-if: it has room of its own, however many the run has."""
_SAFE = {
    "quantization": re.compile(
        r"none|w\d{1,2}a\d{1,2}|fp[48]|int[48]|nf4|mxfp4|nvfp4|awq|gptq|gguf|bitsandbytes|"
        r"compressed-tensors|modelopt"
    ),
    "argument": re.compile(r"auto|fp8(?:_e4m3|_e5m2|_inc)?|bfloat16|float16|half|float32"),
    "vllm": re.compile(r"\d{1,3}(?:\.\d{1,3}){0,3}(?:\.?(?:rc|post|dev)\d{1,3})?"),
    "qa": re.compile(r"QA_[A-Z]+(?::[A-Z_]{1,40})?"),
    "finding": re.compile(r"[a-z]+(?:-[a-z]+){0,5}"),
}
"""By measure, the words that may go out; any other is `other`."""
_OURS = {"verdict", "run_verdict", "with_changes", "condition", "access", "check", "vote", "qa_model"}
"""Measures whose words are always of one of our own enumerations."""


class Sent:
    """The facts of one conversation by short ids, `f1` and so on."""

    def __init__(self, names: Pseudonyms) -> None:
        self._names = names
        self._ids: dict[str, str] = {}

    def add(self, facts: Iterable[RunFact], most: int = MOST_FACTS) -> list[str]:
        """Take so many facts on, as far as there is room; their rows, as JSON."""
        rows: list[str] = []
        size = 0
        for fact in facts:
            if fact.id in self._ids.values():
                continue
            short = f"f{len(self._ids) + 1}"
            row = json.dumps(self._row(short, fact), ensure_ascii=True, separators=(",", ":"))
            if len(rows) >= most or size + len(row) > MOST_BYTES:
                break
            self._ids[short], size = fact.id, size + len(row) + 1
            rows.append(row)
        return rows

    @property
    def ids(self) -> tuple[str, ...]:
        """All short ids: what an answer may cite."""
        return tuple(self._ids)

    def real(self, short: str) -> str:
        """The fact behind a short id; what is none stays, and is refused as such."""
        return self._ids.get(short, f"?{len(short)}")

    def _row(self, short: str, fact: RunFact) -> dict[str, object]:
        row: dict[str, object] = {"id": short, "is": STATEMENTS[fact.measure].noun, **self._names.whose(fact)}
        if fact.flag:
            row["flag"] = _flag(fact.flag)
        if fact.value is not None or not fact.told:
            row["value"] = _value(fact)
        if fact.unit:
            row["unit"] = fact.unit
        row |= {key: value for key, value in fact.more.items() if _typed(value)}
        if fact.guess:
            row["guess"] = True
        if fact.which:
            row["of_what_if"] = fact.which
        return row


def _typed(value: object) -> bool:
    return not isinstance(value, str) or re.fullmatch(r"[A-Za-z][A-Za-z_ -]{0,40}", value) is not None


def _flag(flag: str) -> str:
    return flag if flag == "gpu_count" or is_flag(flag) else "another argument"


def _value(fact: RunFact) -> object:
    if not isinstance(fact.value, str):
        return fact.value
    if fact.measure in _OURS:
        return fact.value
    safe = _SAFE.get(fact.measure)
    return fact.value if safe is not None and safe.fullmatch(fact.value) else "other"


_TELLING = ("verdict", "need", "weights", "kv_cache", "quantization", "concurrency", "longest_context")


def in_order(facts: Sequence[RunFact], asked: Sequence[str]) -> list[RunFact]:
    """What matters most first: of the run, of models that are asked about, then of all a measure each."""

    def rank(fact: RunFact) -> int:
        if not fact.model:
            return 2 if fact.measure in ("node", "unknown") else 0
        last = _TELLING.index(fact.measure) if fact.measure in _TELLING else len(_TELLING)
        return 1 if fact.model in asked else 3 + last

    return sorted(facts, key=rank)
