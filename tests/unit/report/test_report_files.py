"""The forms of a report as files: endings, bytes, and which files are ours."""

from __future__ import annotations

from pathlib import Path

import pytest

from modelcar_tui.report import FORMS, MOST, form_of, is_report, render
from pilot.states import STATES
from support.reporting import HOSTILE, hostile, rich, state_of

MADE = [form for form in FORMS if form != "html"]


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("r.html", "html"),
        ("r.HTM", "html"),
        ("a.b/r.md", "md"),
        ("r.json", "json"),
        ("r.XML", "xml"),
        ("r.txt", ""),
        ("r", ""),
        (".xml", ""),
        ("md", ""),
        ("r.xml.gz", ""),
    ],
)
def test_the_ending_says_the_form(name: str, form: str) -> None:
    assert form_of(name) == form


@pytest.mark.parametrize("form", MADE)
@pytest.mark.parametrize("name", ["working", "hundred", "qa-failed"])
def test_a_report_of_ours_is_known_by_its_own_form_only(name: str, form: str, tmp_path: Path) -> None:
    assert name in STATES
    data = render(state_of(name, tmp_path), form)
    assert is_report(data[:MOST], data[-MOST:], form)
    for other in set(FORMS) - {form}:
        assert not is_report(data[:MOST], data[-MOST:], other)


@pytest.mark.parametrize("form", FORMS)
def test_a_file_of_another_hand_is_not(form: str) -> None:
    for data in (b"", b"# notes\n", b"<html></html>", b'{"tool": "modelcar-tui"}', b"<testsuites/>"):
        assert not is_report(data, data, form)


def test_a_page_is_known_by_its_generator() -> None:
    page = b'<!doctype html><html><head><meta name="generator" content="modelcar-tui 0.1.0"></head></html>'
    assert is_report(page, page, "html")
    assert not is_report(page.replace(b"modelcar-tui", b"pandoc"), page, "html")


@pytest.mark.parametrize("form", MADE)
def test_bytes_are_utf_8_and_the_same_each_time(form: str, tmp_path: Path) -> None:
    run = rich(tmp_path)
    assert render(run, form) == render(run, form)
    odd = render(hostile(run, HOSTILE["bidi"]), form)
    assert odd.decode()
    if form != "json":  # which keeps every character of a value, escaped or not
        assert not set(odd.decode()) & {"\u202e", "\u2066", "\u200b"}
