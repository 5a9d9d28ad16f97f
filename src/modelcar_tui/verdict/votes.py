"""Votes of other packages' specialists: each may lower the verdict with its reason, none can raise it."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from modelcar_tui.verdict.reports import DecisionReport, Unvoted, Verdict, Vote

WORST_FIRST = (Verdict.NO_GO, Verdict.UNKNOWN, Verdict.GO)


def worst(*verdicts: Verdict) -> Verdict:
    """The one that decides; GO of none."""
    return min(verdicts, key=WORST_FIRST.index, default=Verdict.GO)


def verdict_of_word(word: object) -> Verdict | None:
    """The verdict that a specialist's own word means, however it is written; None for no word.

    A word that is none of the three is an answer that nobody knows.
    """
    if word is None or (isinstance(word, str) and not word.strip()):
        return None
    text = "".join(letter for letter in str(word).upper() if letter.isalnum())
    return next((verdict for verdict in Verdict if verdict.replace("-", "") == text), Verdict.UNKNOWN)


def voted(report: DecisionReport, votes: Sequence[Vote]) -> DecisionReport:
    """The decision under these votes, and none that were counted before.

    A vote that is worse than the verdict replaces it and its reason; one that says the same stands beside
    the reason. What the proposed changes would make of it is no better than the worst vote.
    """
    report = _before(report)
    votes = tuple(vote for vote in votes if vote.verdict is not Verdict.GO)
    if not votes:
        return report
    verdict = worst(report.verdict, *(vote.verdict for vote in votes))
    reasons = [str(vote) for vote in votes if vote.verdict is verdict]
    if verdict is report.verdict:
        reasons.insert(0, report.why)
    after = None if report.with_changes is None else worst(report.with_changes, *(v.verdict for v in votes))
    return msgspec.structs.replace(
        report,
        verdict=verdict,
        why="; ".join(reasons),
        with_changes=after,
        votes=votes,
        unvoted=Unvoted(verdict=report.verdict, why=report.why, with_changes=report.with_changes),
    )


def _before(report: DecisionReport) -> DecisionReport:
    kept = report.unvoted
    if kept is None:
        return report
    return msgspec.structs.replace(
        report, verdict=kept.verdict, why=kept.why, with_changes=kept.with_changes, votes=(), unvoted=None
    )
