"""The version stands in core/version.py; whatever else tells one agrees with it."""

from __future__ import annotations

import re
from importlib import metadata
from pathlib import Path

import pytest

from modelcar_tui import agent, cli
from modelcar_tui.core.version import __version__

_CHANGELOG = Path(__file__).parents[2] / "CHANGELOG.md"
_RELEASE = re.compile(r"^## \[(\d[^\]]*)\]", re.MULTILINE)


@pytest.mark.parametrize(
    ("main", "said"), [(cli.main, "modelcar-tui {}"), (agent.main, "agent (modelcar-tui) {}")]
)
def test_both_commands_tell_it(main, said, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.strip() == said.format(__version__)


def test_what_was_installed_has_it() -> None:
    """The wheel's metadata; where they differ, `make install` builds them anew."""
    assert metadata.version("modelcar-tui") == __version__


def test_the_changelog_s_newest_release_is_this_one() -> None:
    assert _RELEASE.findall(_CHANGELOG.read_text())[0] == __version__
