"""Findings that a comment in the manifest, or an option, says are not to be told."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from modelcar_tui.advice.finding import Finding, Severity, Stops
from modelcar_tui.advice.lint.style import STYLE, is_style
from modelcar_tui.core.text import clean
from modelcar_tui.manifest import Ignore, ModelCar, Position


def is_off(
    finding: Finding, car: ModelCar | None, ignores: Iterable[Ignore], everywhere: Iterable[str]
) -> bool:
    """Whether a finding is not to be told.

    Args:
        finding: with its place in the manifest.
        car: the model that it is about.
        ignores: what the manifest's comments say.
        everywhere: codes that an option switches off.
    """
    places = [at for at in (finding.at, car.at if car else None) if at is not None]
    codes = set(everywhere)
    for ignore in ignores:
        if any(ignore.first <= at.line <= ignore.last for at in places):
            codes.update(ignore.codes)
    return finding.code in codes or (STYLE in codes and is_style(finding))


def said(off: list[Finding]) -> Iterable[Finding]:
    """One note where something that stops the server or the QA suite is among what is not told."""
    graver = [finding for finding in off if finding.stops is not Stops.NOTHING]
    if not graver:
        return
    one = len(graver) == 1
    codes = ", ".join(dict.fromkeys(finding.code for finding in graver))
    yield Finding(
        code="switched-off",
        severity=Severity.NOTE,
        model="",
        what=f"{len(graver)} finding{'' if one else 's'} that stop{'s' if one else ''} the "
        f"{' or the '.join(sorted({str(finding.stops) for finding in graver}))} "
        f"{'is' if one else 'are'} switched off ({codes}): the verdict hears {'it' if one else 'them'}",
        at=graver[0].at,
        release=graver[0].release,
    )


def mistaken(ignores: Iterable[Ignore], codes: Mapping[str, str]) -> Iterable[Finding]:
    """A line for each comment that names no code, or one that is none."""
    for ignore in ignores:
        unknown = [code for code in ignore.codes if code not in codes]
        if unknown:
            yield _mistake(f"{clean(', '.join(unknown), limit=120)}: no such code of the lint", ignore.at)
        elif not ignore.codes:
            yield _mistake("it names no code: nothing is switched off", ignore.at)


def _mistake(what: str, at: Position) -> Finding:
    fix = "write # modelcar: ignore[CODE]; agent lint --codes lists them"
    return Finding(code="ignore-unknown", severity=Severity.WARNING, model="", what=what, fix=fix, at=at)
