"""The settings file's schema says what `agent config --check` says; the page has the table's rows."""

from __future__ import annotations

import json
import sys
import tomllib
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelcar_tui import schemas
from modelcar_tui.commands.values import checked
from modelcar_tui.core.config_file import read_config
from modelcar_tui.core.settings_table import KEYS
from modelcar_tui.schemas.config import config_schema
from modelcar_tui.schemas.published import text

ROOT = Path(__file__).parents[3]
sys.path.insert(0, str(ROOT / "tools"))
sys.path.insert(0, str(ROOT / "tests" / "unit" / "commands"))

from test_settings import ALL  # noqa: E402

import settings as page  # noqa: E402

GOOD = {
    "all": ALL,
    "nothing": "",
    "keys": '[keys]\nreview = "c"\nwhy = ["?", "F2"]\n',
    "a theme": 'theme = "sea"\n[themes.sea]\nbase = "light"\ntext = "#000000"\nbackground = "#ffffff"\n',
}
BAD = {
    "an unknown name": "theem = 1",
    "a wrong word": 'qa.engine = "docker"',
    "a text for a truth": 'mouse = "off"',
    "a relative path": 'paths.state-dir = "runs"',
    "no time": "timeout = 0",
    "root": "qa.run-as = 0",
    "too many": "qa.parallel = 101",
    "no count": 'gpus = ["L40S"]',
    "a text for a list": 'gpus = "L40S:4"',
    "a name with a blank": 'qa.arch = "a b"',
    "a profile in a profile": '[profiles.a]\nprofile = "b"',
    "an unknown name in a profile": "[profiles.a.qa]\nimagee = 1",
    "an unknown key": '[keys]\nrevue = "c"',
    "an unknown table": "[what]\nx = 1",
}


def read(tmp_path: Path, toml: str) -> int:
    path = tmp_path / "c.toml"
    path.write_text(toml)
    return len(read_config({"MODELCAR_TUI_CONFIG": str(path)}, checked).problems)


def faults(toml: str) -> list[object]:
    validator = jsonschema.Draft7Validator(config_schema())
    return list(validator.iter_errors(json.loads(json.dumps(tomllib.loads(toml)))))


def test_it_is_published_as_it_is_made() -> None:
    published = Path(schemas.__file__).parent / "config.schema.json"
    assert published.read_bytes() == text("config")
    jsonschema.Draft7Validator.check_schema(config_schema())


@pytest.mark.parametrize("name", GOOD)
def test_what_is_read_is_valid(tmp_path: Path, name: str) -> None:
    assert read(tmp_path, GOOD[name]) == 0
    assert faults(GOOD[name]) == []


@pytest.mark.parametrize("name", BAD)
def test_what_is_refused_is_not_valid(tmp_path: Path, name: str) -> None:
    assert read(tmp_path, BAD[name]) == 1
    assert faults(BAD[name])


_WORDS = st.sampled_from(
    (
        *("", " ", "auto", "~", "~/x", "/x", "/a:~/b", "x/y", "L40S:4", "L40S:0", "H200:8@2", "0.18.0", "\t"),
        *("quay.io/a/b:1", "http://h/v1", "ftp://h", "openai:x", "4g", "amd64", "a=b:NoSchedule", "é"),
    )
)
_NUMBERS = st.one_of(st.integers(-1, 101), st.floats(0, 1e7))
_VALUES = st.one_of(_WORDS, st.booleans(), _NUMBERS, st.lists(_WORDS, max_size=2))


@settings(max_examples=250, deadline=None, database=None)
@given(st.sampled_from(sorted(set(KEYS) - {"profile"})), _VALUES, st.sampled_from(["", "profiles.a."]))
def test_what_is_read_is_never_marked_as_wrong(name: str, value: Any, table: str) -> None:
    toml = f"{table}{name} = {json.dumps(value)}"
    with TemporaryDirectory() as folder:
        assert read(Path(folder), toml) == 1 or faults(toml) == []


def test_the_page_has_the_tables_as_they_are() -> None:
    told = page.PAGE.read_text("utf-8")
    assert page.page(told) == told, "run: make settings"
    assert told.count("| `qa.image-pull-secrets` |") == 1


def test_the_example_of_the_page_is_no_fault(tmp_path: Path) -> None:
    told = page.PAGE.read_text("utf-8")
    block = told[told.index("    #:schema") : told.index("    agent config ")]
    toml = "\n".join(line[4:] for line in block.splitlines())
    assert read(tmp_path, toml) == 0 and faults(toml) == []
    theme = told[told.index('    theme = "sea"') : told.index('`theme = "NAME"`, `--theme')]
    assert faults("\n".join(line[4:] for line in theme.splitlines())) == []
