"""From how vLLM's container went to a measurement, or to why there is none."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

import msgspec

from modelcar_tui.core.errors import Problem
from modelcar_tui.core.secrets import Redactor
from modelcar_tui.hardware import row_of
from modelcar_tui.kube.jobs import mapping
from modelcar_tui.memory import Outcome
from modelcar_tui.models import MeasuredStart
from modelcar_tui.trial.environment import CONFIG_PATH, LOGGING, OFFLINE, PLACES
from modelcar_tui.trial.following import Ran
from modelcar_tui.trial.keeping import TrialLog
from modelcar_tui.trial.types import TrialPlan

_PRODUCT = ("nvidia.com/gpu.product", "amd.com/gpu.product-name")
"""Labels that call a node's card by its product."""
_MEMORY = "nvidia.com/gpu.memory"
_ERROR = 500
_TOKENIZERS = ("tokenizer", "tekken", "vocab", "spiece", "merges")
_WEIGHTS = (".safetensors", ".safetensors.index.json", ".bin", ".bin.index.json", ".pt", ".gguf")
"""Files that a try never has."""
OWN_VARIABLES = frozenset((*OFFLINE, *PLACES, *LOGGING, CONFIG_PATH))
"""What a try sets and production may not."""


def measurement(
    basis: MeasuredStart,
    plan: TrialPlan,
    container: Mapping[str, Any],
    ran: Ran,
    log: TrialLog,
    redact: Redactor,
) -> MeasuredStart | Problem:
    """What the start has shown, or why it has shown nothing.

    Args:
        basis: what was known beforehand.
        container: vLLM's, as the Job describes it.
        ran: how it went.
        log: all that it wrote.
    """
    startup = log.startup
    end = startup.end(healthy=ran.healthy, exit_status=ran.seen.exit_status)
    error, outcome, stage = redact.line(end.error, limit=_ERROR), end.outcome, end.stage or startup.stage
    if ran.late and outcome in ("", Outcome.DIED):
        return _late(plan, stage)
    if ran.seen.reason == "OOMKilled" and not ran.healthy:
        outcome, error = Outcome.DIED, _out_of_memory(container, stage)
    elif own := ours(end.about, basis.args, plan) or _homeless(error):
        return _own(error or startup.last, own)
    if not outcome or (outcome == Outcome.STARTS) is not ran.healthy:
        return _unclear(ran, startup.last)
    if outcome == Outcome.DIED and not error:
        error = redact.line(_died(ran, stage, startup.last), limit=_ERROR)
    return msgspec.structs.replace(
        basis,
        id=f"{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}-{os.urandom(2).hex()}",
        at=time.time(),
        outcome=str(outcome),
        error=error,
        figures=dict(startup.figures),
        vllm=startup.release or basis.vllm,
        runtime_digest=ran.seen.digest or basis.runtime_digest,
        **_card(basis, ran),
    )


def ours(about: Sequence[str], args: Sequence[str], plan: TrialPlan) -> tuple[str, ...]:
    """Those of the flags, variables and files that a refusal names which production has otherwise. A file
    that the model has and the try has too is named in passing.

    Args:
        about: as the log names them.
        args: what production's server gets.
        plan: what the try's got.
    """
    usual, tried = _values(args), _values(plan.args)
    flags = {name for name in usual.keys() | tried.keys() if usual.get(name) != tried.get(name)}
    left_out = {PurePosixPath(path).name for path, _ in plan.left_out}
    own = flags | OWN_VARIABLES | left_out
    if any(name.startswith(_TOKENIZERS) for name in left_out):
        own.add("tokenizer")
    return tuple(dict.fromkeys(one for one in about if one in own or one.endswith(_WEIGHTS)))


def _homeless(error: str) -> tuple[str, ...]:
    """The model's folder, where the server did not find it there and took its path for a name."""
    return ("the model's folder",) if "HFValidationError" in error else ()


def _values(args: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """The values of each flag, however they are written."""
    found: dict[str, tuple[str, ...]] = {}
    flag = ""
    for word in args:
        if word.startswith("--"):
            flag, has, value = word.replace("_", "-", word.partition("=")[0].count("_")).partition("=")
            found[flag] = (value,) if has else ()
        elif flag:
            found[flag] += (word,)
    return found


def _own(error: str, own: Sequence[str]) -> Problem:
    """A refusal that production would not meet."""
    what = f"it could not be tried: {error} (of what only the try has: {', '.join(own)})"
    return Problem(what=what, fix="judge it by its estimate", code="trial-ours")


def _late(plan: TrialPlan, stage: str) -> Problem:
    told = f"; it was at: {stage}" if stage else ""
    minutes = plan.limit_s / 60
    what = f"vLLM did not start within {minutes:g} min{told}"
    return Problem(what=what, fix="try again with a longer --limit", code="trial-late")


def _out_of_memory(container: Mapping[str, Any], stage: str) -> str:
    limit = str(mapping(mapping(container, "resources"), "limits").get("memory") or "")
    most = f"its memory limit of {limit}" if limit else "its memory limit"
    return f"OOMKilled: the container used more than {most}" + (f" ({stage})" if stage else "")


def _died(ran: Ran, stage: str, last: str) -> str:
    where = f" at: {stage}" if stage else ""
    return f"ended with exit status {ran.seen.exit_status}{where}; its last line: {last}"


def _unclear(ran: Ran, last: str) -> Problem:
    how = "vLLM served" if ran.healthy else f"vLLM ended with exit status {ran.seen.exit_status}"
    told = f"; the log's last line: {last}" if last else ", and its log is empty"
    what = f"{how}, but its log does not say enough{told}"
    return Problem(what=what, fix="read the log", code="trial-unclear")


def _card(basis: MeasuredStart, ran: Ran) -> dict[str, Any]:
    """Product and memory where the node has another card than was planned."""
    labels = mapping(mapping(ran.node or {}, "metadata"), "labels")
    told = next((str(labels[name]) for name in _PRODUCT if labels.get(name)), "")
    row, planned = row_of(told) if told else None, row_of(basis.gpu)
    if row is None or (planned is not None and row == planned):
        return {}
    memory = str(labels.get(_MEMORY) or "")
    return {"gpu": told, "memory_mib": int(memory) if memory.isdecimal() else row.memory_mib}
