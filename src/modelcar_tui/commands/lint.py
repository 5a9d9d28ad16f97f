"""`agent lint FILE...`: findings with their places; for a pre-commit hook and for CI."""

from __future__ import annotations

import os
import sys

from modelcar_tui.advice.lint import CODES, exit_worthy, render_files
from modelcar_tui.api import Linted, lint
from modelcar_tui.commands.guard import complain
from modelcar_tui.commands.inputs import LINE_NAME, STDIN, STDIN_NAME, line_bytes, stdin_bytes
from modelcar_tui.core.errors import Problem, UserError
from modelcar_tui.core.exit_codes import ExitStatus, worst

IGNORE = "MODELCAR_TUI_LINT_IGNORE"
"""The variable that stands for `--ignore`."""


def run_lint(
    paths: list[str],
    *,
    line: str | None = None,
    vllm: str | None,
    form: str,
    each: bool = False,
    ignore: str | None = None,
) -> int:
    """Print the findings of all files; status 2 where one of them is an error.

    Matters of style are one finding a file; `each` tells them one by one. A file that can't be read is a
    finding, too: machines get one format, whatever is wrong.

    Args:
        paths: of the manifests; `-` is standard input, which is kept nowhere.
        line: a command line of vLLM beside them.
        vllm: the release that judges.
        form: text, json, sarif or github.
        each: whether matters of style are told one by one.
        ignore: codes that are not to be told, separated by commas; None takes `MODELCAR_TUI_LINT_IGNORE`.

    Raises:
        UserError: there is no file, or one of the codes is none.
    """
    codes = _codes(ignore)
    linted = [
        lint(path if data is None else data, vllm=vllm, each=each, ignore=codes, label=path)
        for path, data in _given(paths, line)
    ]
    for told in (*dict.fromkeys(one.judge for one in linted), *map(_switched_off, linted)):
        if told:
            complain(told)
    files = [(one.path, one.findings) for one in linted]
    if text := render_files(files, form):
        sys.stdout.write(text + "\n")
    return worst(*(ExitStatus.USAGE for _, found in files if exit_worthy(found)))


def _given(paths: list[str], line: str | None) -> list[tuple[str, bytes | None]]:
    """What each is called, and its bytes where it is no file."""
    if not paths and line is None:
        fix = "give FILE, - for standard input, or --serve-line LINE"
        raise UserError(Problem(where="agent lint", what="there is nothing to look at", fix=fix))
    piped = stdin_bytes() if STDIN in paths else None
    given = [(STDIN_NAME, piped) if path == STDIN else (path, None) for path in paths]
    return [*given, (LINE_NAME, line_bytes(line))] if line is not None else given


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


def _switched_off(told: Linted) -> str:
    """How many findings a comment or an option switches off: a line, or nothing."""
    if not told.off:
        return ""
    one, codes = len(told.off) == 1, ", ".join(sorted({finding.code for finding in told.off}))
    return f"{told.path}: {len(told.off)} {'finding is' if one else 'findings are'} switched off ({codes})"
