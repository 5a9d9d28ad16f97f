"""`agent ask RUN "why NO-GO on L40S?"`, or a what-if by form: only its answer is added to the run."""

from __future__ import annotations

import secrets
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from modelcar_tui.commands.guard import complain
from modelcar_tui.commands.replay import load_run
from modelcar_tui.core.credentials import teach_environment
from modelcar_tui.core.errors import Problem, UserError
from modelcar_tui.core.exit_codes import ExitStatus
from modelcar_tui.core.loops import run_once
from modelcar_tui.core.secrets import Redactor
from modelcar_tui.core.shown import shown_lines
from modelcar_tui.core.text import reveal
from modelcar_tui.report import to_json
from modelcar_tui.supervisor import Settings, keep_in_journal, settings_of_run
from modelcar_tui.supervisor import events as e
from modelcar_tui.supervisor.answers import WhatIf
from modelcar_tui.supervisor.llm import answer_question, shown

_OF_THE_RUN = "no language model: this run was made with --no-llm; --llm lets one be asked for this question"


def run_ask(folder: Path, question: str | WhatIf, fields: dict[str, Any], *, form: str = "text") -> int:
    """Print the answer; status 0 where there is one, 8 where there is none.

    Args:
        folder: The run's.
        question: In words, or as a form.
        fields: Options that replace the run's own, such as `model`.
        form: `text` or `json`.
    """
    state = load_run(folder)
    kept = settings_of_run(folder) or Settings(manifest="")
    settings = msgspec.structs.replace(kept.for_later(), **fields)
    redact = Redactor()
    teach_environment()
    told: list[e.AnyEvent] = []

    def say(event: e.AnyEvent) -> None:
        told.append(event)
        _say(event)

    identifier = f"a-{secrets.token_hex(4)}"
    answered = run_once(
        answer_question(settings, state, question, identifier=identifier, redact=redact, say=say)
    )
    unheard = settings.llm is False and fields.get("llm") is None and fields.get("model")
    if unheard and isinstance(question, str):
        answered = msgspec.structs.replace(answered, why=answered.why or _OF_THE_RUN)
    _, unkept = keep_in_journal(folder, [*told, answered])
    if form == "json":
        sys.stdout.write(to_json(answered))
    else:
        if answered.why:
            cost = f" ({answered.cost})" if answered.cost else ""
            complain(f"note: {answered.why}{cost}")
        if answered.text:
            sys.stdout.write(shown_lines(answered.text) + "\n")
        if answered.credit:
            sys.stdout.write(reveal(f"({answered.credit})") + "\n")
    if unkept:
        complain(f"note: {unkept}")
    return ExitStatus.GO if answered.text else ExitStatus.UNKNOWN


def show_facts(folder: Path, question: str, fields: dict[str, Any]) -> int:
    """Print what a language model would be sent for a question, word for word. Nobody is asked."""
    state = load_run(folder)
    settings = msgspec.structs.replace(settings_of_run(folder) or Settings(manifest=""), **fields)
    teach_environment()
    sys.stdout.write(Redactor()(shown(state, question, vllm=settings.vllm_version)) + "\n")
    return ExitStatus.GO


def what_if_form(
    pairs: Sequence[str] | None, arguments: dict[str, str], gpus: Sequence[str]
) -> WhatIf | None:
    """The form's answers as a what-if; None where nothing of it was given.

    Raises:
        UserError: `--what-if` without `model=NAME`, or more than one model or kind of GPU.
    """
    if pairs is None and not arguments and not gpus:
        return None
    model = ""
    for pair in pairs or ():
        key, _, value = pair.partition("=")
        if key != "model" or not value:
            raise UserError(
                Problem(where=f"--what-if {pair}", what="not understood", fix="--what-if model=NAME")
            )
        if model:
            raise UserError(
                Problem(where=f"--what-if {pair}", what="a what-if has one model", fix="ask once a model")
            )
        model = value
    if len(gpus) > 1:
        raise UserError(Problem(where="--gpu", what="a what-if has one kind of GPU", fix="ask once a kind"))
    return WhatIf(model=model, arguments=arguments, gpu=gpus[0] if gpus else None)


def _say(event: e.AnyEvent) -> None:
    if isinstance(event, e.LanguageModelJoined):
        complain(f"asking {event.model} at {event.host}; it is given: {'; '.join(event.shares)}")
