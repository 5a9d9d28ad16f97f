"""The language model that waits for a word: what it would be given, what never, where the word is kept."""

from __future__ import annotations

from collections.abc import Sequence

from modelcar_tui.core.config_file import NO_FILE, config_path, with_home
from modelcar_tui.core.text import reveal
from modelcar_tui.supervisor import RunState
from modelcar_tui.supervisor.events import LanguageModelOffered
from modelcar_tui.tui.rows import EMPTY, Row, labelled

_LABELS = 10
"""Cells of the label."""
_NEVER = "never: "
"""In what is shared, before what is not."""


def offer_rows(offer: LanguageModelOffered, cells: int) -> list[Row]:
    """Who would be asked, where, with what, and what becomes of the answer."""
    shared, never = _parted(offer.shares)

    def told(label: str, text: str, role: str = "text") -> list[Row]:
        return labelled(label, reveal(text), cells, indent=_LABELS, role=role)

    rows = [*told("model", offer.model), *told("at", offer.host, "strong")]
    rows += told("", offer.note, "bad")
    for at, text in enumerate(shared):
        rows += told("" if at else "is given", f"- {text}")
    rows += told("never", ", ".join(never))
    rows += told("for", "answers to your questions, and suggestions; it decides and writes nothing")
    return [*rows, *told("kept", _where(offer.host), "muted"), EMPTY]


def why_no_offer(state: RunState, *, replay: bool = False) -> str:
    """Why no language model is offered, one line; empty where one is."""
    if replay:
        return "this is a replay: nobody is asked"
    if state.llm.offer is not None:
        return ""
    if state.llm.asked:
        host = reveal(state.llm.host)
        return f"{reveal(state.llm.model)} at {host} is asked; agent config --refuse {host} ends that"
    return "no language model is offered: no key, or it is answered already; see agent doctor"


def _parted(shares: Sequence[str]) -> tuple[list[str], list[str]]:
    """What is shared, and what never is."""
    pairs = [text.partition(_NEVER) for text in shares]
    shared = [before.rstrip(" ;,.") for before, _, _ in pairs]
    return [text for text in shared if text], [after for _, _, after in pairs if after]


def _where(host: str) -> str:
    path = config_path()
    if str(path) == NO_FILE:
        return "for this run alone: no settings file is used here"
    return f"for {host}, in {with_home(str(path))}; agent config --forget {host} asks again"
