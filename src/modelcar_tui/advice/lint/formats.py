"""Lint findings as text, JSON, SARIF 2.1.0 or GitHub annotations."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import PurePath
from urllib.parse import quote

from modelcar_tui.advice.finding import Finding, Severity
from modelcar_tui.advice.lint.remarks import ENGINE
from modelcar_tui.core.shown import masked_values, seen_json, shown, shown_lines

_SARIF_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "note"}
_GITHUB = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}
_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
CODES = {
    "flag-unknown": "The server's parser does not know the flag",
    "flag-removed": "The flag is gone in this vLLM release",
    "flag-too-new": "The flag comes with a later vLLM release",
    "flag-ambiguous": "The beginning of a flag that fits several",
    "flag-abbreviated": "The beginning of a flag instead of the whole",
    "flag-deprecated": "The flag will be removed",
    "flag-repeated": "The flag is given more than once",
    "blank-in-item": "Flag and value in one item, with a blank between them",
    "stray-value": "An item that belongs to no flag",
    "value-missing": "A flag without its value",
    "value-unexpected": "A switch with a value",
    "value-wrong": "A value that the parser refuses",
    "value-range": "A value that the engine refuses",
    "key-unknown": "A key that the flag's JSON object does not have",
    "name-unknown": "A parser, or another name, that the server has not registered",
    "setting-refused": "A name, or a key of a JSON object, that the engine refuses",
    "refused-beside": "Arguments that the server refuses together",
    "variable": "A value that Kubernetes puts in from the container's environment",
    "two-item-flag": "Flag and value as two items",
    "short-flag": "A short form that the QA suite does not know",
    "template-flag": "An argument that the serving runtime's template passes with the same value",
    "port-moved": "--port moves the server off the port that probe and Service look at",
    "model-replaced": "--model takes the place of the model that the serving runtime's template passes",
    "model-renamed": "--served-model-name gives the model another name for its clients",
    "switched-off": "What stops the server or the QA suite is switched off in this list",
    "ignore-unknown": "A comment that switches off what is no code",
    "style": "All matters of style of a manifest in one: spelling, habits of the QA suite",
    "gpu-count": "gpu_count and the parallel sizes disagree",
    "gpu-count-missing": "Arguments without gpu_count",
    "gpus-without-args": "Several GPUs and no arguments",
    "executor-one-gpu": "An executor backend that one GPU does not need",
    "executor-uni": "The one-GPU executor for several GPUs",
    "tensor-parallel": "A tensor parallel size that the model can't be cut into",
    "pipeline-parallel": "Pipeline stages that the model can't be cut into",
    "expert-parallel": "Expert parallelism without experts",
    "context-too-long": "A context beyond the model's positions",
    "hybrid-manager": "The hybrid KV cache manager is off and the model needs it, or the other way round",
    "rope-override": "A rope among the overrides that vLLM stops over",
    "override-unheard": "An override of config.json that this vLLM does not look at",
    "batch-too-small": "Fewer batched tokens than sequences",
    "batch-below-context": "A batch that can't hold one context",
    "remote-code": "Python from the model image is run",
    "secret-in-clear": "A secret in clear text",
    "open-door": "Requests or paths may reach the server's files or code",
    "shm-missing": "Several GPU processes that share the 64 MiB of a container's own /dev/shm",
    "amounts-refused": "Requests and limits that no API server takes",
    "output-type": "model_output_type does not fit the model",
    "suite-registry": "A registry without a pull secret option in the QA suite",
    "quantization-mismatch": "A --quantization that vLLM does not have, or not for this checkpoint",
    "dtype-refused": "A --dtype that the model or its quantization can't run in",
    "quantization-deprecated": "A deprecated quantization that vLLM refuses by default",
    "needs-other": "A switch without the argument that it needs",
    "context-parallel": "A context parallel size that does not divide the tensor parallel size",
    "suite-parallel": "Parallel sizes that the QA suite multiplies",
    **ENGINE,
    "unknown-key": "A key of the manifest that nobody reads",
    "name-cut": "Two names that the QA suite cuts to one",
    "default-unmerged": "A default block that is not used beside arguments of the model's own",
    "args-empty": "`args` without items",
    "argument-lost": "An argument that is written and never reaches vLLM",
    "canary": "Traffic that is shared with the revision before",
    "kind-unread": "An object that starts vLLM or asks for accelerators and is not read",
    "kind-version": "A version of a kind that is not read",
    "not-vllm": "An object that asks for accelerators and serves something else",
    "other-accelerators": "Accelerators beside those of the container that serves",
    "llm-arguments": "Arguments of an LLMInferenceService that vLLM does not get as they stand",
    "llm-parallelism": "Sizes of an LLMInferenceService that KServe does not pass on",
    "mapping-shape": "`model-car` as a mapping, which the QA suite does not accept",
}
"""Every code that can be switched off, and what it stands for; errors of the manifest's reader are none."""


def render_files(files: Iterable[tuple[str, Iterable[Finding]]], style: str = "text") -> str:
    """The findings of several files as text, json, sarif or github, without a final line end.

    Raises:
        ValueError: no such format.
    """
    found = [(path, finding) for path, findings in files for finding in findings]
    match style:
        case "text":
            return "\n".join(_text(finding, path) for path, finding in found)
        case "json":
            return _document([_plain(finding, path) for path, finding in found])
        case "sarif":
            return _document(_sarif(found))
        case "github":
            return "\n".join(_annotation(finding, path) for path, finding in found)
    raise ValueError(f"no such format: {style}")


def _document(value: object) -> str:
    return seen_json(json.dumps(masked_values(value), indent=2, ensure_ascii=False))


def exit_worthy(findings: Iterable[Finding]) -> bool:
    """Whether a lint run has failed: there is at least one error."""
    return any(finding.severity is Severity.ERROR for finding in findings)


def _place(finding: Finding) -> tuple[int, int]:
    return (finding.at.line, finding.at.column) if finding.at else (1, 1)


def _text(finding: Finding, path: str) -> str:
    line, column = _place(finding)
    return shown(f"{path}:{line}:{column}: {finding.code} {finding.severity} {_said(finding)}")


def _said(finding: Finding) -> str:
    """What is wrong, how to mend it, and whose it is."""
    fix = "agent lint --style names each" if finding.parts else finding.fix
    return f"{finding.what}{'; ' if fix else ''}{fix}{_whose(finding)}"


def _whose(finding: Finding) -> str:
    """The model, and how many more it holds for."""
    more = f" and {finding.others} more" if finding.others else ""
    return f" [{finding.model}{more}]" if finding.model else ""


def _plain(finding: Finding, path: str) -> dict[str, object]:
    line, column = _place(finding)
    return {
        "file": path,
        "line": line,
        "column": column,
        "code": finding.code,
        "severity": str(finding.severity),
        "model": finding.model,
        "others": finding.others,
        "what": finding.what,
        "fix": finding.fix,
        "stops": str(finding.stops),
        "release": finding.release,
        "read": finding.read,
        "parts": [_plain(part, path) for part in finding.parts],
    }


def _annotation(finding: Finding, path: str) -> str:
    line, column = _place(finding)
    return (
        f"::{_GITHUB[finding.severity]} file={_property(shown(path))},line={line},col={column},"
        f"title={_property(finding.code)}::{_data(shown_lines(_said(finding)))}"
    )


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _sarif(found: list[tuple[str, Finding]]) -> dict[str, object]:
    codes = sorted({finding.code for _, finding in found})
    rules = [
        {"id": code, "shortDescription": {"text": CODES.get(code, code.replace("-", " "))}} for code in codes
    ]
    results = [_result(finding, path, codes.index(finding.code)) for path, finding in found]
    tool = {"driver": {"name": "modelcar-tui", "rules": rules}}
    run = {"tool": tool, "columnKind": "unicodeCodePoints", "results": results}
    return {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}


def _result(finding: Finding, path: str, rule: int) -> dict[str, object]:
    related = [
        _location(part, path) | {"id": number, "message": {"text": _said(part)}}
        for number, part in enumerate(finding.parts)
    ]
    return {
        "ruleId": finding.code,
        "ruleIndex": rule,
        "level": _SARIF_LEVELS[finding.severity],
        "message": {"text": _said(finding)},
        "locations": [_location(finding, path)],
        **({"relatedLocations": related} if related else {}),
        "properties": {"stops": str(finding.stops), "release": finding.release, "read": finding.read},
    }


def _location(finding: Finding, path: str) -> dict[str, object]:
    line, column = _place(finding)
    region = {"startLine": line, "startColumn": column}
    return {"physicalLocation": {"artifactLocation": {"uri": _uri(path)}, "region": region}}


def _uri(path: str) -> str:
    pure = PurePath(masked_values(path))
    return pure.as_uri() if pure.is_absolute() else quote(os.fsencode(pure.as_posix()))
