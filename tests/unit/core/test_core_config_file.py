"""The settings file: its place, what may stand in it, and one line for each thing that is wrong."""

from __future__ import annotations

import os
import shlex
import time
from pathlib import Path

import pytest

from modelcar_tui.core.config_file import MOST, config_path, lines_of, read_config, to_type, with_home

GOOD = """\
theme = "light"
ascii = "never"   # the locale lies
mouse = true
low-bandwidth = true

[paths]
state-dir = "~/state"
"cache-dir" = '/var/cache/m'
"""


def told(tmp_path: Path, text: str | bytes) -> list[str]:
    """The problems of a file with this text, without its path."""
    path = tmp_path / "config.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    found = read_config({"MODELCAR_TUI_CONFIG": str(path)})
    assert found.there and all(str(problem).startswith(str(path)) for problem in found.problems)
    return [str(problem).removeprefix(str(path))[1:].lstrip() for problem in found.problems]


def test_each_setting_is_read_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    path.write_text(GOOD)
    found = read_config({"MODELCAR_TUI_CONFIG": str(path)})
    assert found.problems == ()
    assert [(one.value, one.line) for one in found.given.values()] == [
        ("light", 1),
        ("never", 2),
        (True, 3),
        (True, 4),
        ("~/state", 7),
        ("/var/cache/m", 8),
    ]


@pytest.mark.parametrize(
    ("environ", "path"),
    [
        ({"HOME": "/h"}, "/h/.config/modelcar-tui/config.toml"),
        ({"HOME": "/h", "XDG_CONFIG_HOME": "/x"}, "/x/modelcar-tui/config.toml"),
        ({"HOME": "/h", "XDG_CONFIG_HOME": "x"}, "/h/.config/modelcar-tui/config.toml"),
        ({"HOME": "/h", "XDG_CONFIG_HOME": "/x", "MODELCAR_TUI_CONFIG": "~/c"}, "/h/c"),
        ({"HOME": "/h", "XDG_CONFIG_HOME": "/x", "MODELCAR_TUI_CONFIG": ""}, "/x/modelcar-tui/config.toml"),
    ],
    ids=str,
)
def test_the_file_is_where_xdg_or_the_variable_says(
    environ: dict[str, str], path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", environ["HOME"])
    assert str(config_path(environ)) == path


@pytest.mark.parametrize("home", ["/dev/null", "/nonexistent"])
def test_a_home_that_is_none_has_no_settings(home: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", home)
    found = read_config({})
    assert (found.there, found.given, found.problems) == (False, {}, ())


def test_no_file_can_be_asked_for() -> None:
    found = read_config({"MODELCAR_TUI_CONFIG": "/dev/null"})
    assert (found.there, found.problems) == (False, ())


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('theem = "dark"', "1: theem: no such setting; did you mean theme?"),
        ('\n\ntheme = "drak"', '3: theme: "drak" is none of dark, light, colour-blind, ansi, mono; '
         "did you mean dark?"),
        ("theme = 5", "1: theme: a number is none of dark, light, colour-blind, ansi, mono; "
         "write one of them in quotes"),
        ("ascii = true", "1: ascii: true is none of auto, always, never; write one of them in quotes"),
        ('mouse = "off"', '1: mouse: "off" is no truth value; true or false'),
        ("mouse = 0", "1: mouse: a number is no truth value; true or false"),
        ("low_bandwidth = true", "1: low_bandwidth: no such setting; did you mean low-bandwidth?"),
        ('[paths]\nstate-dir = "runs"', '2: paths.state-dir: "runs" is no whole path; '
         'write one that begins with / or ~, in quotes: "~/runs"'),
        ('[paths]\nruns-dir = "/x"', "2: paths.runs-dir: no such setting; did you mean paths.state-dir?"),
        ('state-dir = "/x"', "1: state-dir: no such setting; did you mean paths.state-dir?"),
        ('paths = "/x"', "1: paths: no such setting; it is a table: [paths]"),
        ('# keys\n[keys]\nrevue = "c"', "3: keys.revue: nothing has this name; did you mean review?"),
        ('keys.review = "g"', '1: keys.review: "g" is gpus already'),
        ("[a.b]\nc = 1", "1: a: no such setting; `agent config` lists all"),
        ("theme = dark", "1:9: not TOML; a line is NAME = VALUE, texts in quotes"),
        ('theme = "dark', "1: not TOML"),
        ('theme = "dark"\ntheme = "light"', "2:"),
        ("[[", "1: not TOML"),
        (b'theme = "d"\n# \xff', "2: not UTF-8; save it as UTF-8"),
        (b"\x00", "1:1: not TOML"),
        ("#" * (MOST + 1), "larger than 64 KiB; this is no file of settings"),
        ("x = " + "[" * 20_000, "nested too deep"),
        ("theme = 2020-01-01", "1: theme: a date is none of"),
        ('"th\u202eeme" = 1', "1: th<U+202E>eme: no such setting"),
    ],
    ids=lambda value: value[:30] if isinstance(value, str) else None,
)  # fmt: skip
def test_what_is_wrong_is_one_line_with_its_place(tmp_path: Path, text: str | bytes, problem: str) -> None:
    (line,) = told(tmp_path, text)
    assert line.startswith(problem), line
    assert line.isprintable()


@pytest.mark.parametrize("name", ["token", "api_key", "gemini-api-key", "password", "paths.pull-secret"])
def test_secrets_are_refused_and_not_repeated(tmp_path: Path, name: str) -> None:
    (line,) = told(tmp_path, f'{name} = "hunter2-and-more"')
    assert line.startswith(f"1: {name}: no secret belongs in this file") and "hunter2" not in line


def test_every_fault_of_a_file_is_told_and_the_rest_is_read(tmp_path: Path) -> None:
    path = tmp_path / "c"
    path.write_text('x = 1\ntheme = "light"\nmouse = 2\n')
    found = read_config({"MODELCAR_TUI_CONFIG": str(path)})
    assert len(found.problems) == 2 and found.given["theme"].value == "light"


def test_a_byte_order_mark_and_no_content_are_no_fault(tmp_path: Path) -> None:
    assert told(tmp_path, b"\xef\xbb\xbftheme = 'mono'\r\n") == told(tmp_path, "") == []


def test_a_file_that_was_named_and_is_not_there_is_said(tmp_path: Path) -> None:
    (problem,) = read_config({"MODELCAR_TUI_CONFIG": str(tmp_path / "gone")}).problems
    assert str(problem) == (
        f"{tmp_path}/gone: the settings can't be read: no such file or directory; "
        "mend MODELCAR_TUI_CONFIG, or unset it"
    )


def test_what_is_no_file_is_said_and_never_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    for name, what in (
        ("pipe", "not a regular file"),
        ("", "not a regular file"),
        ("loop", "symbolic links"),
    ):
        (problem,) = read_config({"MODELCAR_TUI_CONFIG": str(tmp_path / name)}).problems
        assert what in str(problem)


def test_a_refusal_of_the_system_is_said_with_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("modelcar_tui.core.config_file.open_regular", refuse)
    (problem,) = read_config({"MODELCAR_TUI_CONFIG": str(tmp_path / "c")}).problems
    assert str(problem).endswith(f"permission denied; chmod u+r {tmp_path}/c")


def test_a_path_is_shown_with_the_home_as_it_can_be_typed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert with_home(f"{tmp_path}/a/b") == "~/a/b"
    assert with_home(f"{tmp_path}x/a") == f"{tmp_path}x/a"


def test_a_command_to_copy_is_one_command_and_says_what_of_a_name_is_masked() -> None:
    names = ("/a/it's; reboot $(id) {x}.yaml", "-rf", "/a/plain.yaml", "~root/x", "/a/*")
    words = shlex.split(to_type("cp {} {} {} {} {}", *names))
    assert words == ["cp", names[0], "./-rf", names[2], "./~root/x", names[4]]
    for odd in ("/a/ghp_aB3dE5gH7jK9mN1pQ3sT5vX7zB9dF1hJ3lN5.yaml", "/a/b\u202e.yaml", "/a/b\x1b[2J"):
        assert to_type("rm {}", odd).endswith(
            " (type the name yourself: it is shown with signs of it replaced)"
        )
    for usual in ("/models/sk-learn-7b", "/models/hf_transfer", "/srv/tokens/llama.yaml"):
        assert to_type("rm {}", usual) == f"rm {usual}"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (f'theme = "dark"\ntimeout = {"9" * 5000}\n', "2: a number has too many digits; write a smaller one"),
        ('\n"" = 3\n', '2: "": no such setting; `agent config` lists all'),
        ('\n\n[profiles."a b"]\n"theme" = 3\n', "4: profiles.a b.theme: a number is none of"),
        ("[ profiles . lab ]\nqa . enabled = 3\n", "2: profiles.lab.qa.enabled: a number is no truth value"),
        ("[profiles.'a = b']\n\nvllm = 3\n", "3: profiles.a = b.vllm: a number is no text"),
    ],
)
def test_odd_names_and_numbers_are_told_with_their_line(tmp_path: Path, text: str, says: str) -> None:
    (line,) = told(tmp_path, text)
    assert line.startswith(says)


@pytest.mark.parametrize("part", ["a", "a.", '"', " ", "[", "a .", "'a'."])
def test_a_long_line_is_read_in_linear_time(part: str) -> None:
    began = time.process_time()
    lines_of(part * (MOST // len(part)))
    assert time.process_time() - began < 1
