"""`agent estimate`: what one model needs on one GPU with these arguments, or a file of cases."""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec

from modelcar_tui.advice import with_objections
from modelcar_tui.api import estimate
from modelcar_tui.commands.guard import complain
from modelcar_tui.core.exit_codes import ExitStatus, worst
from modelcar_tui.core.shown import shown
from modelcar_tui.memory import Outcome
from modelcar_tui.report import estimate_lines, to_json, to_json_line

STATUS = dict.fromkeys(Outcome, ExitStatus.NO_GO) | {
    Outcome.STARTS: ExitStatus.GO,
    Outcome.UNKNOWN: ExitStatus.UNKNOWN,
}


def run_cases_file(path: str) -> int:
    """Print a JSON line a case; the status is that of the worst."""
    from modelcar_tui.memory import run_cases

    statuses = {ExitStatus.GO}
    for line in run_cases(Path(path), with_objections):
        sys.stdout.write(to_json_line(line))
        statuses.add(STATUS[Outcome(line["verdict"])])
    return worst(*statuses)


def run_estimate(
    source: str,
    gpu: str,
    arguments: tuple[str, ...],
    *,
    vllm: str | None,
    form: str,
    explain: bool = False,
    authfile: str | None = None,
    registries_conf: str | None = None,
) -> int:
    """Print the estimate; status 0 where vLLM starts, 1 where it does not, 8 where it is not known.

    Raises:
        UserError: no such source or GPU.
    """
    told = estimate(
        source,
        gpu,
        arguments,
        vllm=vllm,
        authfile=authfile,
        registries_conf=registries_conf,
        say=lambda text: complain(f"note: {text}"),
    )
    result = told.estimate
    if form == "json":
        document = {
            "source": told.source,
            "gpu": msgspec.to_builtins(told.gpu),
            **msgspec.to_builtins(result),
        }
        document |= {"smallest_tp": told.smallest_tp, "knobs": msgspec.to_builtins(told.knobs)}
        sys.stdout.write(to_json(document))
    else:
        lines = estimate_lines(
            told.source,
            told.gpu,
            told.args,
            result,
            smallest_tp=told.smallest_tp,
            knobs=told.knobs,
            explain=explain,
        )
        sys.stdout.writelines(f"{shown(line)}\n" for line in lines)
    return STATUS[result.outcome]
