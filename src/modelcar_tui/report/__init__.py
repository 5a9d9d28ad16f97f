"""Faces of a `RunState` that need no screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelcar_tui.core.door import door

if TYPE_CHECKING:
    from modelcar_tui.report.data import envelope, json_report, to_json, to_json_line
    from modelcar_tui.report.document import markdown
    from modelcar_tui.report.estimate import estimate_lines
    from modelcar_tui.report.facts import Known, facts_of
    from modelcar_tui.report.fares import RUNNING, Fares, ModelQa, models_in_qa, seen_of
    from modelcar_tui.report.files import FORMS, MOST, endings, form_of, is_report, render
    from modelcar_tui.report.html.page import html_page
    from modelcar_tui.report.junit_xml import junit
    from modelcar_tui.report.kinds import KindAtHand, kinds_at_hand
    from modelcar_tui.report.starts import (
        StartFigure,
        estimate_basis,
        predicted_words,
        start_figures,
        start_line,
    )
    from modelcar_tui.report.text import change_text, plain, sections
    from modelcar_tui.report.trials import (
        TrialWords,
        end_words,
        lasts,
        model_trials,
        news_line,
        plan_words,
        predicted_line,
        trial_figures,
        trial_lines,
        trial_seconds,
        trial_word,
    )
    from modelcar_tui.report.values import bytes_text, fact_text, number, span_text

__all__ = [
    "FORMS",
    "MOST",
    "RUNNING",
    "Fares",
    "KindAtHand",
    "Known",
    "ModelQa",
    "StartFigure",
    "TrialWords",
    "bytes_text",
    "change_text",
    "end_words",
    "endings",
    "envelope",
    "estimate_basis",
    "estimate_lines",
    "fact_text",
    "facts_of",
    "form_of",
    "html_page",
    "is_report",
    "json_report",
    "junit",
    "kinds_at_hand",
    "lasts",
    "markdown",
    "model_trials",
    "models_in_qa",
    "news_line",
    "number",
    "plain",
    "plan_words",
    "predicted_line",
    "predicted_words",
    "render",
    "sections",
    "seen_of",
    "span_text",
    "start_figures",
    "start_line",
    "to_json",
    "to_json_line",
    "trial_figures",
    "trial_lines",
    "trial_seconds",
    "trial_word",
]

if not TYPE_CHECKING:
    __getattr__ = door(
        __name__,
        {
            "data": "envelope json_report to_json to_json_line",
            "document": "markdown",
            "estimate": "estimate_lines",
            "facts": "Known facts_of",
            "fares": "Fares ModelQa RUNNING models_in_qa seen_of",
            "files": "FORMS MOST endings form_of is_report render",
            "html.page": "html_page",
            "junit_xml": "junit",
            "kinds": "KindAtHand kinds_at_hand",
            "starts": "StartFigure estimate_basis predicted_words start_figures start_line",
            "trials": (
                "TrialWords end_words lasts model_trials news_line plan_words predicted_line "
                "trial_figures trial_lines trial_seconds trial_word"
            ),
            "text": "change_text plain sections",
            "values": "bytes_text fact_text number span_text",
        },
    )
