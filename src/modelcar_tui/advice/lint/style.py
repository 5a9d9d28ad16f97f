"""Matters of style, folded into one finding a manifest: many of them hide the one that counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import msgspec

from modelcar_tui.advice.finding import Finding, Severity, Stops

STYLE = "style"
_WORDS = {
    "two-item-flag": (
        "flag and its value are two items, which the QA suite takes apart",
        "flags and values are two items, which the QA suite takes apart",
    ),
    "short-flag": (
        "-tp is a form that the QA suite does not know",
        "times -tp, a form that the QA suite does not know",
    ),
    "flag-abbreviated": ("flag is shortened", "flags are shortened"),
    "model-renamed": (
        "model has another name for clients (--served-model-name)",
        "models have other names for clients (--served-model-name)",
    ),
    "port-moved": (
        "--port moves a server off the port that probe and Service look at",
        "times --port moves a server off the port that probe and Service look at",
    ),
    "model-replaced": (
        "--model takes another file of the image than the template",
        "times --model takes another file of the image than the template",
    ),
    "suite-registry": (
        "image is in a registry that the QA suite has no pull secret for",
        "images are in registries that the QA suite has no pull secret for",
    ),
    "template-flag": (
        "argument repeats the serving runtime's template",
        "arguments repeat the serving runtime's template",
    ),
    "executor-one-gpu": (
        "executor backend is more than one GPU needs",
        "executor backends are more than one GPU needs",
    ),
    "remote-code": (
        "--trust-remote-code runs Python from a model image",
        "times --trust-remote-code runs Python from a model image",
    ),
}
"""What is said of one, and of several, in the order of their weight."""
_SPELLING = ("two-item-flag", "short-flag", "flag-abbreviated")
_GRAVEST = (Severity.ERROR, Severity.WARNING, Severity.NOTE)


def is_style(finding: Finding) -> bool:
    """Whether it is a matter of spelling, habit or choice: the server starts with it.

    Code from an image is none where the model is known to need no such code, nor is another model.
    """
    return finding.code in _WORDS and (finding.code in _SPELLING or finding.severity is Severity.NOTE)


def folded(findings: Sequence[Finding], models: int) -> Iterable[Finding]:
    """One finding for all of them, at the place of the first, with each among its `parts`.

    Args:
        findings: all of them matters of style, each once, in the file's order.
        models: of how many models.
    """
    if len(findings) < 2:
        return findings
    counts = Counter(finding.code for finding in findings)
    parts = [f"{counts[code]} {words[counts[code] > 1]}" for code, words in _WORDS.items() if counts[code]]
    first = findings[0]
    whole = msgspec.structs.replace(
        first,
        code=STYLE,
        severity=min((finding.severity for finding in findings), key=_GRAVEST.index),
        what=", ".join(parts) + (f"; in {models} models" if models > 1 else ""),
        fix="",
        stops=Stops.NOTHING,
        model=first.model if models == 1 else "",
        others=0,
        parts=tuple(findings),
    )
    return (whole,)
