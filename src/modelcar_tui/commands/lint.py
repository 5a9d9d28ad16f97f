"""`agent lint FILE`: findings with their places; for a pre-commit hook and for CI."""

from __future__ import annotations

import sys
from pathlib import Path

from modelcar_tui.compatibility.formats import exit_worthy, render
from modelcar_tui.compatibility.lint import lint
from modelcar_tui.core.exit_codes import ExitStatus
from modelcar_tui.manifest.reader import read_manifest


def run_lint(path: str, *, vllm: str | None, form: str) -> int:
    """Print the findings; status 2 where one of them is an error."""
    findings = lint(read_manifest(Path(path)), vllm=vllm)
    if text := render(findings, path, form):
        sys.stdout.write(text + "\n")
    return ExitStatus.USAGE if exit_worthy(findings) else ExitStatus.GO
