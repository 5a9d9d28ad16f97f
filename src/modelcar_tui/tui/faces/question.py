"""The question before QA as a short table, and why it is not asked."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

from modelcar_tui.qa import Effect, EffectLevel
from modelcar_tui.supervisor import RunState
from modelcar_tui.tui.glyphs import Glyphs
from modelcar_tui.tui.own_keys import shown
from modelcar_tui.tui.rows import Row, labelled, paragraph

_ROLES = {EffectLevel.FAILS: "bad", EffectLevel.WARNS: "warn", EffectLevel.TELLS: "muted"}
_LABELS = 12
"""Cells of glyph and label."""


def question_title(state: RunState) -> str:
    """`Start QA on api.prod as kubeadmin?`"""
    access = state.cluster.access if state.cluster is not None else None
    if access is None or not access.server:
        return "Start QA?"
    host = urlsplit(access.server).hostname or access.server
    return f"Start QA on {host}" + (f" as {access.user}?" if access.user else "?")


def question_rows(effects: Sequence[Effect], cells: int, glyphs: Glyphs) -> list[Row]:
    """A row for each effect, what fails first; texts that are too long wrap under themselves."""
    rows: list[Row] = []
    for effect in effects:
        if not effect.label:
            rows += paragraph(effect.text, cells, "text")
            continue
        role = _ROLES[effect.level]
        text = "bad" if effect.level is EffectLevel.FAILS else "text"
        label = f"{_glyph(effect.level, glyphs)} {effect.label}"
        rows += labelled(label, effect.text, cells, indent=_LABELS, role=text, tone=role)
        rows += labelled(f"  {glyphs.arrow}", effect.way_out, cells, indent=_LABELS, role="need")
    return rows


def _glyph(level: EffectLevel, glyphs: Glyphs) -> str:
    return {EffectLevel.FAILS: glyphs.failed, EffectLevel.WARNS: glyphs.warning}.get(level, " ")


def why_no_question(state: RunState, *, replay: bool = False) -> str:
    """Why QA does not ask now, one line; empty where it does."""
    if replay:
        return "this is a replay: QA can't be started from it"
    if state.waiting_for_consent:
        return ""
    if state.consent is not None and state.consent.allowed is not None:
        answered = "let start" if state.consent.allowed else "skipped"
        return f"QA was {answered} already; a new run asks again"
    if state.qa.outcome is not None and state.qa.outcome.skipped:
        return f"QA was not run: {state.qa.outcome.message}"
    if state.finish is not None:
        return "the run has ended and QA did not ask; a new run asks again"
    if state.waiting_for_approval:
        return f"QA asks once the changes are decided: {shown('d')}"
    return "QA does not ask yet: it waits for configuration, cluster and decision"
