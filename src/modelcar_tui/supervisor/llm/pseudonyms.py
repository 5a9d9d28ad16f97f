"""Names that leave the machine are pseudonyms: `model-2`, `gpu-1`, `node-3`. Only here are they put back."""

from __future__ import annotations

import getpass
import re
import socket
from collections.abc import Iterator
from contextlib import suppress
from functools import lru_cache
from pathlib import PurePath

from modelcar_tui.core.text import clean
from modelcar_tui.supervisor.answers import RunFact, meant, spans_of
from modelcar_tui.supervisor.state import RunState
from modelcar_tui.verdict import Verdict
from modelcar_tui.vllm import newest_flags

_TOKEN = re.compile(r"[^\s,;()\[\]{}\"'`“”?!]+")
_KEPT = re.compile(
    r"[~≈]?(?:\d{1,3}(?:,\d{3}){1,3}|\d{1,9}(?:\.\d{1,9}){0,2})(?:[kKmM%xX×]|[GMTK]i?B|s|min|h)?|"
    r"v\d{1,9}(?:\.\d{1,9}){1,2}|"
    r"[A-Z]?[a-z]+(?:[’'][a-z]+)?|[A-Z]{1,6}s?|"
    r"and/or|GiB|MiB|TiB|vLLM|KServe|OpenShift|Kubernetes|"
    rf"{Verdict.NO_GO}|no-go|what-if|kv-cache|KV-cache|at-once|time-sliced|full-length|w\d{{1,2}}a\d{{1,2}}|fp[48]|int[48]|bf16|fp16|"
    r"\d{1,2}-bit|[-–—.:…/=+*<>&]+",
)
"""A word of a question that names nobody: plain words, numbers with units, our own terms."""
_HIDDEN = "(name)"
_NOBODY = """the http https api com svc local default admin system namespace user server cluster clusters
    context model models modelcar car gpu gpus node nodes vllm openshift kubernetes manifest config sample
    base yaml test prod production dev stage staging and for llm"""
"""Words of hosts, contexts and files that are words of questions as well, and tell nobody."""


class Pseudonyms:
    """Of one run; the same name has the same pseudonym for as long as this lives."""

    def __init__(self, state: RunState) -> None:
        self._state = state
        self._given: dict[tuple[str, str], str] = {}
        self._real: dict[str, str] = {}
        self._owners = frozenset(_owners(state))
        for model in state.models:
            self.of("model", model.car.name)
        for node in state.cluster.inventory.nodes if state.cluster is not None else ():
            for product in node.products:
                self.of("gpu", product)

    def of(self, kind: str, name: str) -> str:
        """The pseudonym of a `model`, `gpu` or `node`; empty for no name."""
        if not name:
            return ""
        key = (kind, name)
        if key not in self._given:
            number = sum(known == kind for known, _ in self._given) + 1
            self._given[key] = f"{kind}-{number}"
            self._real[self._given[key]] = name
        return self._given[key]

    def gpu(self, told: str) -> str:
        """Of a product, or of a kind as it is told: `L40S 45 GiB` is the L40S."""
        return self.of("gpu", told.split(" ", maxsplit=1)[0] if told else "")

    def real(self, pseudonym: str, kind: str) -> str | None:
        """The name behind it; None where it stands for nobody of that kind."""
        return self._real.get(pseudonym) if pseudonym.startswith(f"{kind}-") else None

    def known(self, kind: str) -> tuple[str, ...]:
        """All pseudonyms of a kind, in the order in which they were given."""
        return tuple(name for (of, _), name in self._given.items() if of == kind)

    def whose(self, fact: RunFact) -> dict[str, str]:
        """Of whom a fact is, by pseudonyms."""
        named = {
            "model": self.of("model", fact.model),
            "gpu": self.gpu(fact.gpu),
            "node": self.of("node", fact.node),
        }
        return {kind: name for kind, name in named.items() if name}

    def hide(self, question: str) -> str:
        """A question without names: ours as pseudonyms, whatever else is shaped as a name left out."""
        text = clean(question, limit=500)
        parts, at = [], 0
        for span in spans_of(text, self._state):
            if span.gpu:
                product, _, count = span.gpu.partition(":")
                cards = "/".join(self.of("gpu", card) for card in meant(product, self._state))
                told = f"{count} {cards}".strip()
            else:
                told = "/".join(self.of("model", name) for name in span.names)
            parts += [_TOKEN.sub(self._word, text[at : span.start]), told]
            at = span.end
        return " ".join(" ".join((*parts, _TOKEN.sub(self._word, text[at:]))).split())

    def _word(self, match: re.Match[str]) -> str:
        word = match[0].rstrip(".,:")
        low = word.casefold()
        if word.startswith("--"):
            flag, equals, value = word.partition("=")
            if not is_flag(flag):
                return _HIDDEN
            good = not value or re.fullmatch(r"[\d.]{1,9}k?|fp8|auto|half|double", value)
            return word if good else flag + equals + _HIDDEN
        if self._owners.intersection(_parts(low)):
            return _HIDDEN
        return match[0] if _KEPT.fullmatch(word) or is_flag(f"--{low}") else _HIDDEN


def is_flag(text: str) -> bool:
    """Whether it is the whole name of an argument of vLLM."""
    return text in _flags()


@lru_cache(maxsize=1)
def _flags() -> frozenset[str]:
    return frozenset(flag.flag for flag in newest_flags())


def _owners(state: RunState) -> Iterator[str]:
    """Words that name this machine, its user, the cluster's login or the manifest, in small letters."""
    told: list[str] = [PurePath(state.path).stem.split(".")[0]] if state.path else []
    if state.cluster is not None:
        access = state.cluster.access
        told += [access.user, access.context, access.server]
    with suppress(OSError, KeyError, ImportError):
        told.append(getpass.getuser())
    told.append(socket.gethostname())
    nobody = _NOBODY.split()
    words = (word for text in told for word in _parts(text))
    yield from (word for word in words if len(word) > 2 and not word.isdecimal() and word not in nobody)


def _parts(text: str) -> Iterator[str]:
    """Its words in small letters, also as one of several, or of a plural."""
    for word in re.findall(r"[^\W_]+", text.casefold()):
        yield from (word, word.removesuffix("s"))
