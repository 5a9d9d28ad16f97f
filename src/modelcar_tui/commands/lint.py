"""`agent lint FILE...`: findings with their places; for a pre-commit hook and for CI."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from modelcar_tui.advice.finding import Finding, Severity
from modelcar_tui.advice.lint.formats import exit_worthy, render_files
from modelcar_tui.advice.lint.lint import lint, of_problem
from modelcar_tui.core.errors import UserError
from modelcar_tui.core.exit_codes import ExitStatus
from modelcar_tui.manifest.reader import inspect_manifest
from modelcar_tui.vllm.argument_table import argument_table
from modelcar_tui.vllm.readings import answering, is_open
from modelcar_tui.vllm.release import newer_than, parse_version


def run_lint(paths: list[str], *, vllm: str | None, form: str) -> int:
    """Print the findings of all files; status 2 where one of them is an error.

    A file that can't be read is a finding, too: machines get one format, whatever is wrong.
    """
    sys.stderr.write(_judge(vllm))
    files = [(path, tuple(_findings(path, vllm))) for path in paths]
    if text := render_files(files, form):
        sys.stdout.write(text + "\n")
    return ExitStatus.USAGE if any(exit_worthy(found) for _, found in files) else ExitStatus.GO


def _findings(path: str, vllm: str | None) -> Iterator[Finding]:
    try:
        manifest, errors = inspect_manifest(Path(path))
    except UserError as error:
        yield from (of_problem(problem, Severity.ERROR) for problem in error.problems)
        return
    found = [*(of_problem(problem, Severity.ERROR) for problem in errors), *lint(manifest, vllm=vllm)]
    yield from sorted(
        found, key=lambda finding: (finding.at.line, finding.at.column) if finding.at else (0, 0)
    )


def _judge(vllm: str | None) -> str:
    """Which release's command line judges, and why that one."""
    read = argument_table().versions
    release = answering(parse_version(vllm), read)
    if vllm is None:
        return (
            f"judged by vLLM {release}, the newest that was read; --vllm VERSION judges by the runtime's "
            "own\n"
        )
    if parse_version(vllm) is None:
        return f"--vllm {vllm!r} is no version; judged by vLLM {release}\n"
    if newer_than(vllm, read):
        return f"vLLM {vllm} is newer than all that was read; judged by {release}\n"
    if is_open(vllm):
        return f"vLLM {vllm} was not looked at yet; judged by its own arguments, and not sure\n"
    return "" if release == vllm.removeprefix("v") else f"vLLM {vllm} was not read; judged by {release}\n"
