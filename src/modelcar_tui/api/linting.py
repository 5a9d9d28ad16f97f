"""Faults of a manifest and its vLLM arguments; no cluster is needed."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import msgspec

from modelcar_tui.advice import Finding, Severity
from modelcar_tui.advice.lint import CODES, examine, exit_worthy, of_problem
from modelcar_tui.api.asked import words
from modelcar_tui.core.errors import Problem, UserError
from modelcar_tui.manifest import Manifest, inspect_manifest, inspect_text
from modelcar_tui.vllm import (
    answering_release,
    is_open_release,
    known_arguments,
    newer_than,
    parse_version,
    release_of_server,
)


class Linted(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be said of one manifest."""

    path: str
    findings: tuple[Finding, ...]
    """In the file's order; a file that can't be read is a finding, too."""
    off: tuple[Finding, ...] = ()
    """Those that a comment of the manifest or `ignore` switches off."""
    release: str = ""
    """The vLLM release whose rules judged."""
    judge: str = ""
    """Why that release, in one line; empty where it is the one that was asked for."""

    @property
    def ok(self) -> bool:
        """Whether no finding is an error."""
        return not exit_worthy(self.findings)


def lint(
    manifest: str | os.PathLike[str] | bytes,
    *,
    vllm: str | None = None,
    each: bool = False,
    ignore: Iterable[str] = (),
    label: str = "manifest.yaml",
) -> Linted:
    """Every finding on one manifest. Nothing is written, nobody is asked.

    Args:
        manifest: A path, or the text itself as bytes.
        vllm: The release that judges; by default the newest that is known.
        each: Whether matters of style are told one by one.
        ignore: Codes that are not to be told; `agent lint --codes` lists them.
        label: What text is called in messages.

    Raises:
        UserError: a code of `ignore` is none, or a manifest's text was given as a path.
    """
    codes = words("ignore", ignore)
    if isinstance(manifest, str) and "\n" in manifest and not os.path.exists(manifest):  # noqa: PTH110 - it raises for long ones
        what = "this is a text, and taken for a path"
        raise UserError(Problem(where="manifest", what=what, fix="give a text as bytes: text.encode()"))
    if unknown := [code for code in codes if code not in CODES]:
        what = f"{', '.join(unknown)}: no such code of the lint"
        raise UserError(Problem(where="ignore", what=what, fix="agent lint --codes lists them"))
    path = label if isinstance(manifest, bytes) else os.fspath(manifest)
    read = known_arguments().versions
    release, why = answering_release(parse_version(vllm), read), judged_by(vllm)
    try:
        inspected, errors = (
            inspect_text(manifest, label) if isinstance(manifest, bytes) else inspect_manifest(Path(path))
        )
    except UserError as error:
        found = tuple(of_problem(problem, Severity.ERROR) for problem in error.problems)
        return Linted(path=path, findings=found, release=release, judge=why)
    told = examine(inspected, vllm=vllm, each=each, ignore=codes)
    if vllm is None:
        why = _judged_by_its_own(inspected) or why
    findings = [*(of_problem(problem, Severity.ERROR) for problem in errors), *told.findings]
    findings.sort(key=lambda finding: (finding.at.line, finding.at.column) if finding.at else (0, 0))
    return Linted(path=path, findings=tuple(findings), off=told.off, release=release, judge=why)


def _judged_by_its_own(manifest: Manifest) -> str:
    """Which releases the manifest's own images and runtimes name; empty where one of its models has none."""
    own = [release_of_server(car.server) for car in manifest.models]
    if not own or not all(own):
        return ""
    names = ", ".join(sorted({str(release) for release in own}))
    return f"{manifest.path}: judged by vLLM {names}, as its image or its ServingRuntime says"


def judged_by(vllm: str | None) -> str:
    """Which release's command line judges, and why that one; empty where it is `vllm` itself."""
    read = known_arguments().versions
    release = answering_release(parse_version(vllm), read)
    if vllm is None:
        return (
            f"judged by vLLM {release}, the newest that was read; --vllm VERSION judges by the runtime's own"
        )
    if parse_version(vllm) is None:
        return f"--vllm {vllm!r} is no version; judged by vLLM {release}"
    if newer_than(vllm, read):
        return f"vLLM {vllm} is newer than all that was read; judged by {release}"
    if is_open_release(vllm):
        return f"vLLM {vllm} was not looked at yet; judged by its own arguments, and not sure"
    return "" if release == vllm.removeprefix("v") else f"vLLM {vllm} was not read; judged by {release}"
