"""A line of the log that nobody understands costs itself: the lines around it are parsed and kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from modelcar_tui.core.log_lines import RawLine
from modelcar_tui.core.secrets import Redactor
from modelcar_tui.qa.events import Warned
from modelcar_tui.qa.log.logparse import SuiteParser
from modelcar_tui.qa.log.pipeline import Pipeline
from modelcar_tui.qa.log.spool import SpoolReader

LINES = (
    b"collected 2 items",
    b"poison",
    b"TEST: TestX.test_a[tiny-raw] STATUS: \x1b[0;32mPASSED\x1b[0m",
    b"poison again",
    b"=========== 1 passed in 3.00s ===========",
)


def taken(folder: Path, redact: Any = None) -> tuple[Pipeline, list[Any], list[str]]:
    told: list[Any] = []
    pipeline = Pipeline(folder / "qa.log", redact or Redactor(), told.append)
    for line in LINES:
        pipeline.take(RawLine(line, 0.0))
    pipeline.close()
    return pipeline, told, [line.text for line in SpoolReader(folder / "qa.log").lines(0, 10)]


def test_a_line_that_the_parser_stumbles_over_is_in_the_log_and_the_others_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed = SuiteParser.feed

    def stumbles(parser: SuiteParser, line: str) -> bool:
        if "poison" in line:
            raise RuntimeError("planted")
        return feed(parser, line)

    monkeypatch.setattr(SuiteParser, "feed", stumbles)
    pipeline, told, lines = taken(tmp_path)
    assert pipeline.parser.result.counts is not None and pipeline.parser.result.counts.passed == 1
    assert len(lines) == len(LINES) and lines[1] == "poison" and pipeline.odd == 2
    warned = [event.text for event in told if isinstance(event, Warned)]
    assert len(warned) == 1 and "not understood: RuntimeError" in warned[0] and "planted" not in warned[0]


def test_a_line_that_cannot_be_redacted_is_never_shown(tmp_path: Path) -> None:
    class Stumbling(Redactor):
        def known(self, text: str) -> str:
            if "poison" in text:
                raise ValueError(text)
            return super().known(text)

    pipeline, _, lines = taken(tmp_path, Stumbling())
    assert pipeline.parser.result.counts is not None
    assert lines[1].startswith("[a line that can't be shown: ValueError in ") and len(lines) == len(LINES)
    assert not any("poison" in line for line in lines)
