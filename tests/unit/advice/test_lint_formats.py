"""The four faces of a finding."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterable
from pathlib import Path

import pytest
from compatibility_support import car, manifest

import modelcar_tui.advice.lint
import modelcar_tui.vllm.refused
from modelcar_tui.advice.finding import Finding, Severity, Stops
from modelcar_tui.advice.lint.formats import CODES, exit_worthy, render_files
from modelcar_tui.advice.lint.lint import examine
from modelcar_tui.advice.lint.style import STYLE
from modelcar_tui.manifest import modelcar as reader
from modelcar_tui.manifest.types import ArgumentsFrom, Position
from modelcar_tui.vllm.arguments import companions, faults, named


def render(findings: Iterable[Finding], path: str, style: str = "text") -> str:
    return render_files([(path, tuple(findings))], style)


FINDINGS = (
    Finding(
        code="flag-unknown",
        severity=Severity.ERROR,
        model="m",
        what="no --x",
        fix="delete it",
        at=Position(3, 5),
        stops=Stops.SERVER,
        release="0.19.1",
        read=False,
    ),
    Finding(code="remote-code", severity=Severity.WARNING, model="m", what="50% a,b:c\nd"),
    Finding(code="executor-one-gpu", severity=Severity.NOTE, model="m", what="one", at=Position(9, 1)),
)


def test_text_is_one_line_a_finding_that_editors_can_jump_to() -> None:
    first, second, *_ = render(FINDINGS[:2], "dir/m.yaml").split("\n", 1)
    assert first == "dir/m.yaml:3:5: flag-unknown error no --x; delete it [m]"
    assert second.startswith("dir/m.yaml:1:1: remote-code warning 50%")


def test_json_has_every_part() -> None:
    first = json.loads(render(FINDINGS, "m.yaml", "json"))[0]
    assert first == {
        "file": "m.yaml",
        "line": 3,
        "column": 5,
        "code": "flag-unknown",
        "severity": "error",
        "model": "m",
        "others": 0,
        "what": "no --x",
        "fix": "delete it",
        "stops": "server",
        "release": "0.19.1",
        "read": False,
        "parts": [],
    }


def test_sarif_points_rules_and_results_at_each_other() -> None:
    log = json.loads(render(FINDINGS, "my dir/m.yaml", "sarif"))
    assert (log["version"], len(log["runs"])) == ("2.1.0", 1)
    run = log["runs"][0]
    rules = run["tool"]["driver"]["rules"]
    for result, finding in zip(run["results"], FINDINGS, strict=True):
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"] == finding.code
        place = result["locations"][0]["physicalLocation"]
        assert place["artifactLocation"]["uri"] == "my%20dir/m.yaml"
        assert place["region"]["startLine"] >= 1 and place["region"]["startColumn"] >= 1
    assert [result["level"] for result in run["results"]] == ["error", "warning", "note"]
    assert all(rule["shortDescription"]["text"] for rule in rules)
    assert run["results"][0]["properties"] == {"stops": "server", "release": "0.19.1", "read": False}


def test_sarif_is_what_a_model_made_from_its_schema_accepts() -> None:
    from pydantic import ValidationError
    from pydantic_sarif.model import StaticAnalysisResultsFormatSarifVersion210JsonSchema as Sarif

    text = render_files([("my dir/m.yaml", FINDINGS), ("/abs/n.yaml", FINDINGS), ("none.yaml", ())], "sarif")
    log = Sarif.model_validate_json(text)
    assert [len(run.results or ()) for run in log.runs] == [6]
    for broken in (text.replace('"startLine": 3', '"startLine": 0'), text.replace('"text"', '"words"')):
        with pytest.raises(ValidationError):
            Sarif.model_validate_json(broken)


def test_a_finding_that_models_share_names_one_and_counts_the_others() -> None:
    cars = [car("--foo=1", name=name, origin=ArgumentsFrom.DEFAULT) for name in ("a", "b", "c")]
    (found,) = [
        finding
        for finding in examine(manifest(*cars), vllm="0.19.1").findings
        if finding.code == "flag-unknown"
    ]
    assert (found.model, found.others) == ("a", 2)
    assert render([found], "m.yaml").endswith(" [a and 2 more]")


def test_github_annotations_escape_what_would_end_them() -> None:
    lines = render(FINDINGS, "m.yaml", "github").split("\n")
    assert lines[0] == "::error file=m.yaml,line=3,col=5,title=flag-unknown::no --x; delete it [m]"
    assert lines[1].startswith("::warning ") and lines[1].endswith("::50%25 a,b:c%0Ad [m]")
    assert lines[2].startswith("::notice ") and len(lines) == 3


def test_every_code_that_a_rule_gives_is_described_and_no_other() -> None:
    given = set()
    room = Path(modelcar_tui.advice.lint.__path__[0])
    judges = (faults, companions, named)
    for path in (*room.glob("*.py"), *(Path(module.__file__) for module in judges)):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            name = (
                getattr(node.func, "attr", getattr(node.func, "id", "")) if isinstance(node, ast.Call) else ""
            )
            if isinstance(node, ast.Call) and name in ("on", "add", "ArgumentFault"):
                words = [word.value for word in node.args[:2] if isinstance(word, ast.Constant)]
                given |= {word for word in words if isinstance(word, str) and " " not in word}
    given |= {code for code, _ in faults.RULES} | set(faults.OBJECTS) | {row.code for row in named.NAMED}
    given |= _of_the_engine() | {STYLE, "switched-off", "ignore-unknown"}
    assert given | _warnings_of_the_reader() == set(CODES)


def _warnings_of_the_reader() -> set[str]:
    room = Path(reader.__file__).parent
    trees = [ast.parse(file.read_text("utf-8")) for file in room.rglob("*.py")]
    calls = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Call)]
    warns = [call for call in calls if getattr(call.func, "attr", "") in ("warn", "warn_at")]
    found = {call.args[-1].value for call in warns if isinstance(call.args[-1], ast.Constant)}
    assert len(found) > 3
    return found


def _of_the_engine() -> set[str]:
    """Codes that the engine's rules give."""
    room = Path(modelcar_tui.vllm.refused.__path__[0])
    return {
        node.value.value
        for path in room.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.keyword) and node.arg == "code" and isinstance(node.value, ast.Constant)
    }


def test_only_errors_make_a_run_fail() -> None:
    assert exit_worthy(FINDINGS) and not exit_worthy(FINDINGS[1:])


def test_real_findings_render_in_every_format() -> None:
    found = examine(manifest(car("--no-such-flag", "--swap-space", "4")), vllm="0.19.1").findings
    for style in ("text", "json", "sarif", "github"):
        assert "flag-unknown" in render(found, "m.yaml", style)
    with pytest.raises(ValueError, match="xml"):
        render(found, "m.yaml", "xml")
