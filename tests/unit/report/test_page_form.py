"""A page among the forms: it is asked at the door, and nothing from outside becomes a tag in it."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

import pytest

from modelcar_tui import report
from support.reporting import HOSTILE, hostile, rich


class Tags(HTMLParser):
    """All tags with the names of their attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: set[tuple[str, str]] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found |= {(tag, name) for name, _ in attrs} | {(tag, "")}


def test_a_page_is_made_by_the_doors_name_and_known_again(tmp_path: Path) -> None:
    run = rich(tmp_path)
    data = report.render(run, "html")
    assert data.decode() == report.html_page(run)
    assert report.is_report(data[: report.MOST], data[-report.MOST :], "html")


@pytest.mark.parametrize("payload", HOSTILE.values(), ids=HOSTILE)
def test_no_tag_or_attribute_comes_from_outside(payload: str, tmp_path: Path) -> None:
    run = rich(tmp_path)
    plain = Tags(report.render(run, "html").decode()).found
    assert Tags(report.render(hostile(run, payload), "html").decode()).found <= plain
