"""What the environment tells of a terminal."""

from __future__ import annotations

import io
import os
import subprocess
import sys

import pytest
from rich.console import Console

from modelcar_tui.commands.screen import few_colours, shows_unicode

TERMS = ("xterm", "xterm-256color", "xterm-kitty", "linux", "screen", "screen-256color", "tmux-256color")
TERMS += ("vt100", "xterm-16color", "foot", "alacritty", "XTERM-256COLOR", " xterm-256color ", "xterm-direct")


@pytest.mark.parametrize("colorterm", ["", "truecolor", "24bit", "yes", " TrueColor"])
@pytest.mark.parametrize("term", TERMS)
def test_few_colours_are_what_rich_sends_in_sixteen(term: str, colorterm: str) -> None:
    environ = {"TERM": term, "COLORTERM": colorterm}
    console = Console(file=io.StringIO(), force_terminal=True, _environ=environ)
    assert few_colours(environ) == (console.color_system == "standard")


@pytest.mark.parametrize(
    ("environ", "shows"),
    [
        ({}, False),
        ({"LANG": "C.UTF-8"}, True),
        ({"LANG": "en_US.utf8"}, True),
        ({"LANG": "en_US.UTF-8@euro"}, True),
        ({"LANG": "en_US.UTF-8", "LC_ALL": "C"}, False),
        ({"LANG": "C", "LC_CTYPE": "en_US.UTF-8"}, True),
        ({"LANG": "en_US.UTF-8", "LC_CTYPE": "POSIX", "LC_ALL": ""}, False),
        ({"LANG": "ja_JP.eucJP"}, False),
        ({"LANG": "not_INSTALLED"}, False),
        ({"LANG": "no such\0locale"}, False),
        ({"LANG": "x" * 10_000}, False),
    ],
    ids=str,
)
def test_signs_need_a_locale_whose_charset_is_utf_8(environ: dict[str, str], shows: bool) -> None:
    assert shows_unicode(environ) == shows


@pytest.mark.parametrize(
    ("environ", "shows"),
    [
        ({}, False),
        ({"LANG": "C"}, False),
        ({"PYTHONUTF8": "1"}, False),
        ({"LC_CTYPE": "C.UTF-8"}, True),
        ({"LANG": "C", "LC_CTYPE": "C.UTF-8"}, True),
    ],
    ids=str,
)
def test_what_python_makes_of_its_locale_fools_nobody(environ: dict[str, str], shows: bool) -> None:
    code = "import os; from modelcar_tui.commands.screen import shows_unicode as shows; "
    code += "print(shows(), os.environ.get('LC_CTYPE'))"
    env = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("LC_", "LANG", "PYTHONUTF8"))
    }
    done = subprocess.run(
        [sys.executable, "-c", code], env={**env, **environ}, capture_output=True, text=True, check=True
    )
    assert done.stdout.split()[0] == str(shows)
    if environ in ({}, {"LANG": "C"}):
        assert done.stdout.split()[1] == "C.UTF-8", "Python coerces: the case is met"
