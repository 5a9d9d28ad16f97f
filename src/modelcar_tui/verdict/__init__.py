"""The product's heart: what a run comes to, by pure functions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelcar_tui.core.door import door

if TYPE_CHECKING:
    from modelcar_tui.verdict.accepting import accepted_model, decide_accepted, with_findings
    from modelcar_tui.verdict.candidate import Candidate, candidates, kind_name
    from modelcar_tui.verdict.comparing import compare
    from modelcar_tui.verdict.deciding import (
        decide_model,
        overall,
        preflight,
        runtime_arguments,
        runtime_environment,
        runtime_version,
    )
    from modelcar_tui.verdict.landing import pod_for
    from modelcar_tui.verdict.measured import qa_failed
    from modelcar_tui.verdict.one_by_one import (
        NOT_JUDGED,
        decided,
        drawn,
        lowered,
        optimized,
        proposals,
        remarks,
        undecided,
    )
    from modelcar_tui.verdict.outcome import (
        QA_FAILED,
        STATUS,
        Known,
        ModelOutcome,
        RunOutcome,
        run_outcome,
        settled,
        stands,
    )
    from modelcar_tui.verdict.proposing import Proposal, propose_for, together, together_line
    from modelcar_tui.verdict.reports import (
        ApplyPreview,
        Condition,
        ConfigurationReport,
        DecisionReport,
        ModelRequirements,
        ModelVerdict,
        Verdict,
        Vote,
    )
    from modelcar_tui.verdict.votes import said, worst

__all__ = [
    "NOT_JUDGED",
    "QA_FAILED",
    "STATUS",
    "ApplyPreview",
    "Candidate",
    "Condition",
    "ConfigurationReport",
    "DecisionReport",
    "Known",
    "ModelOutcome",
    "ModelRequirements",
    "ModelVerdict",
    "Proposal",
    "RunOutcome",
    "Verdict",
    "Vote",
    "accepted_model",
    "candidates",
    "compare",
    "decide_accepted",
    "decide_model",
    "decided",
    "drawn",
    "kind_name",
    "lowered",
    "optimized",
    "overall",
    "pod_for",
    "preflight",
    "proposals",
    "propose_for",
    "qa_failed",
    "remarks",
    "run_outcome",
    "runtime_arguments",
    "runtime_environment",
    "runtime_version",
    "said",
    "settled",
    "stands",
    "together",
    "together_line",
    "undecided",
    "with_findings",
    "worst",
]

if not TYPE_CHECKING:
    __getattr__ = door(
        __name__,
        {
            "accepting": "accepted_model decide_accepted with_findings",
            "candidate": "Candidate candidates kind_name",
            "comparing": "compare",
            "deciding": (
                "decide_model overall preflight runtime_arguments runtime_environment runtime_version"
            ),
            "landing": "pod_for",
            "measured": "qa_failed",
            "one_by_one": "NOT_JUDGED decided drawn lowered optimized proposals remarks undecided",
            "outcome": "Known ModelOutcome QA_FAILED RunOutcome STATUS run_outcome settled stands",
            "proposing": "Proposal propose_for together together_line",
            "reports": (
                "ApplyPreview Condition ConfigurationReport DecisionReport ModelRequirements "
                "ModelVerdict Verdict Vote"
            ),
            "votes": "said worst",
        },
    )
