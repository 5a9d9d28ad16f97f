"""The product's heart: what a run comes to, by pure functions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelcar_tui.core.door import door

if TYPE_CHECKING:
    from modelcar_tui.verdict.accepting import accepted_model, decide_accepted, decide_written
    from modelcar_tui.verdict.asking import pod_for
    from modelcar_tui.verdict.brief import Brief, is_measured
    from modelcar_tui.verdict.candidate import Candidate, candidates, kind_name
    from modelcar_tui.verdict.comparing import compare
    from modelcar_tui.verdict.deciding import decide_model
    from modelcar_tui.verdict.decision import Case, decide, decide_with, not_decided
    from modelcar_tui.verdict.known import Known
    from modelcar_tui.verdict.landing import Landing, land, within_limits
    from modelcar_tui.verdict.measured import qa_failed
    from modelcar_tui.verdict.measurements import Kept, Measurements
    from modelcar_tui.verdict.next_step import NextStep
    from modelcar_tui.verdict.outcome import (
        QA_FAILED,
        STATUS,
        ModelOutcome,
        RunOutcome,
        run_outcome,
        standing_decision,
    )
    from modelcar_tui.verdict.proposing import Proposal, copies, propose_for, together, together_line
    from modelcar_tui.verdict.remeasured import decided_again
    from modelcar_tui.verdict.reports import (
        ApplyPreview,
        Condition,
        ConfigurationReport,
        DecisionReport,
        ModelRequirements,
        ModelVerdict,
        OnKind,
        Optimized,
        Verdict,
        Vote,
    )
    from modelcar_tui.verdict.runtime import (
        at_runtime,
        release_of,
        runtime_arguments,
        runtime_of,
        with_runtime,
    )
    from modelcar_tui.verdict.serves import (
        kind_words,
        long_words,
        not_clear,
        partner_words,
        passed_words,
        pods_words,
        runtime_words,
        served_rows,
        source_words,
    )
    from modelcar_tui.verdict.votes import verdict_of_word

__all__ = [
    "QA_FAILED",
    "STATUS",
    "ApplyPreview",
    "Brief",
    "Candidate",
    "Case",
    "Condition",
    "ConfigurationReport",
    "DecisionReport",
    "Kept",
    "Known",
    "Landing",
    "Measurements",
    "ModelOutcome",
    "ModelRequirements",
    "ModelVerdict",
    "NextStep",
    "OnKind",
    "Optimized",
    "Proposal",
    "RunOutcome",
    "Verdict",
    "Vote",
    "accepted_model",
    "at_runtime",
    "candidates",
    "compare",
    "copies",
    "decide",
    "decide_accepted",
    "decide_model",
    "decide_with",
    "decide_written",
    "decided_again",
    "is_measured",
    "kind_name",
    "kind_words",
    "land",
    "long_words",
    "not_clear",
    "not_decided",
    "partner_words",
    "passed_words",
    "pod_for",
    "pods_words",
    "propose_for",
    "qa_failed",
    "release_of",
    "run_outcome",
    "runtime_arguments",
    "runtime_of",
    "runtime_words",
    "served_rows",
    "source_words",
    "standing_decision",
    "together",
    "together_line",
    "verdict_of_word",
    "with_runtime",
    "within_limits",
]

if not TYPE_CHECKING:
    __getattr__ = door(
        __name__,
        {
            "accepting": "accepted_model decide_accepted decide_written",
            "brief": "Brief is_measured",
            "candidate": "Candidate candidates kind_name",
            "comparing": "compare",
            "deciding": "decide_model",
            "decision": "Case decide decide_with not_decided",
            "known": "Known",
            "landing": "Landing land within_limits",
            "asking": "pod_for",
            "measured": "qa_failed",
            "measurements": "Kept Measurements",
            "outcome": "ModelOutcome QA_FAILED RunOutcome STATUS run_outcome standing_decision",
            "next_step": "NextStep",
            "proposing": "Proposal copies propose_for together together_line",
            "remeasured": "decided_again",
            "reports": (
                "ApplyPreview Condition ConfigurationReport DecisionReport "
                "ModelRequirements ModelVerdict OnKind Optimized Verdict Vote"
            ),
            "runtime": "at_runtime release_of runtime_arguments runtime_of with_runtime",
            "serves": (
                "kind_words long_words not_clear partner_words passed_words "
                "pods_words runtime_words served_rows source_words"
            ),
            "votes": "verdict_of_word",
        },
    )
