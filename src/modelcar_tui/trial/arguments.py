"""The arguments of a try: those that production gets, dummy weights, and nothing that is not there.

What vLLM's source makes of them: `--model-loader-extra-config` is refused with dummies
(model_loader/dummy_loader.py), a path of `--allowed-local-media-path` must be there (config/model.py), and a
chat template that holds no brace is a file's name.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from modelcar_tui.cluster.types import Runtime
from modelcar_tui.core.text import clean
from modelcar_tui.manifest import ServingArguments
from modelcar_tui.models import ModelFacts
from modelcar_tui.trial.refusing import (
    MODEL_PATH,
    refuse_company,
    refuse_drafts,
    refuse_loaders,
    refuse_open,
)
from modelcar_tui.vllm.arguments import Argument, EngineArgs, last_value, parse_arguments, served_args

DUMMY = ("--load-format", "dummy")
SKIP = "--skip-tokenizer-init"
VLLM_PORT = 8000
"""vLLM's own, where nothing names one."""
_SIZES = ("--tensor-parallel-size", "--pipeline-parallel-size", "--data-parallel-size")
_OURS = ("--model", "--port", "--load-format")
"""Flags of which the try has a value of its own."""
_NO_PROBE = "the kubelet asks /health by plain HTTP at the pod's own address"
_NOT_LENT = "the file that it names is not lent, and nothing of memory hangs on it"
_LEFT_OUT = {
    "--model-loader-extra-config": "dummy weights take no options of a loader",
    "--lora-modules": "adapters' files are not lent; the memory of their slots is reserved all the same",
    "--prompt-adapters": "adapters' files are not lent",
    "--allowed-local-media-path": "the folder is not there",
    "--download-dir": "nothing is downloaded",
    "--otlp-traces-endpoint": "a try sends no traces",
    "--tool-parser-plugin": _NOT_LENT,
    "--reasoning-parser-plugin": _NOT_LENT,
    "--log-config-file": _NOT_LENT,
    "--ssl-keyfile": _NO_PROBE,
    "--ssl-certfile": _NO_PROBE,
    "--ssl-ca-certs": _NO_PROBE,
    "--ssl-cert-reqs": _NO_PROBE,
    "--ssl-ciphers": _NO_PROBE,
    "--enable-ssl-refresh": _NO_PROBE,
    "--uds": _NO_PROBE,
    "--host": _NO_PROBE,
}
_WITH_PLUGINS = {
    "--tool-parser-plugin": ("--tool-call-parser", "--enable-auto-tool-choice"),
    "--reasoning-parser-plugin": ("--reasoning-parser",),
}
"""What vLLM refuses once the plug-in that brings it is not there."""
_FILES_UNLESS = {
    "--chat-template": (),
    "--tokenizer": (MODEL_PATH,),
    "--generation-config": ("auto", "vllm", MODEL_PATH),
}
"""Flags that may name a file or another repository, and the values that do not."""
_ONLY_NAMES = ("--served-model-name", "--root-path", "--allowed-origins")
"""Flags on which nothing of memory hangs, so that one whose value is not known may go."""


class Tried(msgspec.Struct, frozen=True, kw_only=True):
    """What the server gets."""

    args: tuple[str, ...]
    port: int
    changed: tuple[str, ...]
    """Where that differs from production, one sentence each."""
    engine: EngineArgs
    """What production's arguments mean."""
    skips: bool
    """Whether production itself goes without a tokenizer."""


def tried_arguments(
    model: str, facts: ModelFacts, serving: ServingArguments, runtime: Runtime, release: str | None
) -> Tried:
    """What is tried of a model's arguments.

    Args:
        model: its name, for what is refused.
        facts: what is known of it.
        serving: with all that the server gets (`verdict.at_runtime`).
        runtime: that serves it.
        release: of vLLM; None reads them as the newest does.

    Raises:
        UserError: it can't be tried.
    """
    given = parse_arguments(serving.whole, release)
    engine = served_args(serving, release)
    refuse_loaders(model, facts, engine, given)
    refuse_drafts(model, engine)
    refuse_company(model, engine, given)
    dropped = dict(_dropped(given))
    kept = [one for one in given if one.index not in dropped]
    refuse_open(model, kept)
    before = last_value(parse_arguments(runtime.args, release), "--port") if runtime.args else None
    port = _port(last_value(given, "--port") or before, runtime.port)
    items = [item for one in kept for item in serving.whole[one.index : one.index + one.items]]
    reasons = [_told(one, dropped[one.index]) for one in given if dropped.get(one.index)]
    return Tried(
        args=(*_model(runtime), f"--port={port}", *_sizes(serving, given), *items, *DUMMY),
        port=port,
        changed=(
            f"{' '.join(DUMMY)}: no weights are read, they are made up on the GPU",
            *dict.fromkeys(reasons),
        ),
        engine=engine,
        skips=any(one.name == SKIP and not one.negated for one in kept),
    )


def _model(runtime: Runtime) -> tuple[str, ...]:
    """`vllm serve` of old releases takes the model without a flag alone."""
    serve = runtime.starts[-1:] == ("serve",)
    return (MODEL_PATH,) if serve else (f"--model={MODEL_PATH}",)


def _port(named: str | None, told: int | None) -> int:
    if named and named.isdecimal() and 0 < int(named[:6]) < 65536:
        return int(named)
    return told if told is not None and 0 < told < 65536 else VLLM_PORT


def _sizes(serving: ServingArguments, given: Sequence[Argument]) -> tuple[str, ...]:
    """The size that the QA suite gives a model-car whose arguments name none."""
    named = {one.name for one in given if one.flag is not None} & set(_SIZES)
    return () if named or serving.implied_size <= 1 else (f"{_SIZES[0]}={serving.implied_size}",)


def _dropped(given: Sequence[Argument]) -> Iterator[tuple[int, str]]:
    """Index and reason of each argument that is left out; an empty reason is not worth a word."""
    gone: set[str] = set()
    for one in given:
        gone |= set(_WITH_PLUGINS.get(one.name, ()))
    for one in given:
        if one.separator:
            return
        if one.masked:
            yield one.index, "it holds a secret, which is never passed on"
        elif one.unknown and one.name in _ONLY_NAMES:
            yield one.index, "its value stands in another object, and nothing of memory hangs on it"
        elif one.name in _OURS:
            yield one.index, _replaced(one)
        elif one.name in _LEFT_OUT:
            yield one.index, _LEFT_OUT[one.name]
        elif one.name in gone:
            yield one.index, "the plug-in that it wants is not lent"
        elif one.name in _FILES_UNLESS and _elsewhere(one):
            yield one.index, "what it names is not lent; the model's own is taken, where it has one"


def _replaced(one: Argument) -> str:
    if one.name == "--load-format" and one.value not in (None, "auto", "dummy"):
        return "weights are not loaded"
    return ""


def _elsewhere(one: Argument) -> bool:
    value = (one.value or "").rstrip("/")
    literal = one.name == "--chat-template" and any(sign in value for sign in "{}\n")
    return not literal and value not in _FILES_UNLESS[one.name]


def _told(one: Argument, reason: str) -> str:
    flag = clean(one.name if one.flag is not None else one.written.partition("=")[0], limit=100)
    return f"{flag} is left out: {reason}"
