"""`agent lint FILE...`: findings with their places; for a pre-commit hook and for CI."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

from modelcar_tui.advice import Finding, Severity
from modelcar_tui.advice.lint import CODES, examine, exit_worthy, of_problem, render_files
from modelcar_tui.core.errors import Problem, UserError
from modelcar_tui.core.exit_codes import ExitStatus, worst
from modelcar_tui.manifest import inspect_manifest
from modelcar_tui.vllm import answering_release, is_open_release, known_arguments, newer_than, parse_version

IGNORE = "MODELCAR_TUI_LINT_IGNORE"
"""The variable that stands for `--ignore`."""


def run_lint(
    paths: list[str], *, vllm: str | None, form: str, each: bool = False, ignore: str | None = None
) -> int:
    """Print the findings of all files; status 2 where one of them is an error.

    Matters of style are one finding a file; `each` tells them one by one. A file that can't be read is a
    finding, too: machines get one format, whatever is wrong.

    Args:
        paths: of the manifests.
        vllm: the release that judges.
        form: text, json, sarif or github.
        each: whether matters of style are told one by one.
        ignore: codes that are not to be told, separated by commas; None takes `MODELCAR_TUI_LINT_IGNORE`.

    Raises:
        UserError: one of them is no code.
    """
    codes = _codes(ignore)
    sys.stderr.write(_judge(vllm))
    files = [(path, tuple(_findings(path, vllm, each=each, ignore=codes))) for path in paths]
    if text := render_files(files, form):
        sys.stdout.write(text + "\n")
    return worst(*(ExitStatus.USAGE for _, found in files if exit_worthy(found)))


def list_codes() -> int:
    """Print every code that can be switched off, and what it stands for."""
    width = max(map(len, CODES))
    sys.stdout.write("".join(f"{code:<{width}}  {what}\n" for code, what in sorted(CODES.items())))
    return ExitStatus.GO


def _codes(ignore: str | None) -> tuple[str, ...]:
    given = os.environ.get(IGNORE, "") if ignore is None else ignore
    codes = tuple(filter(None, (code.strip() for code in given.split(","))))
    unknown = [code for code in codes if code not in CODES]
    if unknown:
        where = IGNORE if ignore is None else "--ignore"
        what = f"{', '.join(unknown)}: no such code of the lint"
        raise UserError(Problem(where=where, what=what, fix="agent lint --codes lists them"))
    return codes


def _findings(path: str, vllm: str | None, *, each: bool, ignore: tuple[str, ...]) -> Iterator[Finding]:
    try:
        manifest, errors = inspect_manifest(Path(path))
    except UserError as error:
        yield from (of_problem(problem, Severity.ERROR) for problem in error.problems)
        return
    told = examine(manifest, vllm=vllm, each=each, ignore=ignore)
    if told.off:
        one, codes = len(told.off) == 1, ", ".join(sorted({finding.code for finding in told.off}))
        is_off = "finding is" if one else "findings are"
        sys.stderr.write(f"{path}: {len(told.off)} {is_off} switched off ({codes})\n")
    found = [*(of_problem(problem, Severity.ERROR) for problem in errors), *told.findings]
    yield from sorted(
        found, key=lambda finding: (finding.at.line, finding.at.column) if finding.at else (0, 0)
    )


def _judge(vllm: str | None) -> str:
    """Which release's command line judges, and why that one."""
    read = known_arguments().versions
    release = answering_release(parse_version(vllm), read)
    if vllm is None:
        return (
            f"judged by vLLM {release}, the newest that was read; --vllm VERSION judges by the runtime's "
            "own\n"
        )
    if parse_version(vllm) is None:
        return f"--vllm {vllm!r} is no version; judged by vLLM {release}\n"
    if newer_than(vllm, read):
        return f"vLLM {vllm} is newer than all that was read; judged by {release}\n"
    if is_open_release(vllm):
        return f"vLLM {vllm} was not looked at yet; judged by its own arguments, and not sure\n"
    return "" if release == vllm.removeprefix("v") else f"vLLM {vllm} was not read; judged by {release}\n"
