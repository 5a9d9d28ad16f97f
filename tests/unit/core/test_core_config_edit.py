"""A list is put into the operator's settings file; their comments, layout and values stay as they are."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelcar_tui.core import config_edit
from modelcar_tui.core.config_edit import edit_texts, with_texts
from modelcar_tui.core.errors import UserError

NAME = "llm.allowed-hosts"
MINE = """\
# mine, by hand
theme = "light"   # the bastion is bright
[qa]
image-pull-secrets = [ "rh-pull", ]

[llm]   # asked with care
model = 'openai:x'

[profiles.prod]
context = "prod"  # the cluster
"""


@pytest.mark.parametrize(
    ("text", "values", "written"),
    [
        ("", ("a",), '[llm]\nallowed-hosts = ["a"]\n'),
        ('theme = "light"', ("a",), 'theme = "light"\n[llm]\nallowed-hosts = ["a"]\n'),
        (
            '[llm]  # c\nmodel = "m"\n[qa]\n',
            ("a",),
            '[llm]  # c\nmodel = "m"\nallowed-hosts = ["a"]\n[qa]\n',
        ),
        ("[llm]\nallowed-hosts = []  # c\n", ("a",), '[llm]\nallowed-hosts = ["a"]  # c\n'),
        ('llm.allowed-hosts=["a"]', ("a", "b"), 'llm.allowed-hosts=["a", "b"]'),
        ('llm.url = "u"\npatch = true\n', ("a",), 'llm.url = "u"\nllm.allowed-hosts = ["a"]\npatch = true\n'),
        (
            "[llm]\nallowed-hosts = [\n  'a', # first ]\n  'b',\n] # end\n",
            ("a", "b", "c"),
            "[llm]\nallowed-hosts = [\n  'a', # first ]\n  'b',\n  \"c\",\n] # end\n",
        ),
        (
            "[llm]\nallowed-hosts = [\n  'a', # first\n  'b', # second\n]\n",
            ("b",),
            "[llm]\nallowed-hosts = [\n  'b', # second\n]\n",
        ),
        (
            "[llm]\r\nallowed-hosts = ['a', 'b']\r\n[qa]\r\n",
            ("a",),
            "[llm]\r\nallowed-hosts = ['a']\r\n[qa]\r\n",
        ),
        ('[llm]\nallowed-hosts = "oops"\n', ("a",), '[llm]\nallowed-hosts = ["a"]\n'),
        ('[llm]\nallowed-hosts = ["a"]\n', ("a",), '[llm]\nallowed-hosts = ["a"]\n'),
        ('llm = { model = "m" }\n', ("a",), 'llm = { model = "m", allowed-hosts = ["a"]}\n'),
        ("llm = 5\n", ("a",), None),
    ],
)
def test_only_the_list_is_changed(text: str, values: tuple[str, ...], written: str | None) -> None:
    assert with_texts(text, NAME, values) == written


def test_every_line_of_the_owner_stays(tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    path.write_text(MINE)
    path.chmod(0o640)
    edit_texts(path, lambda _: {NAME: ("a",), "llm.refused-hosts": ("b",)})
    assert [line for line in path.read_text().splitlines() if "hosts" not in line] == MINE.splitlines()
    assert tomllib.loads(path.read_text())["llm"] == {
        "model": "openai:x",
        "allowed-hosts": ["a"],
        "refused-hosts": ["b"],
    }
    assert path.stat().st_mode & 0o777 == 0o640 and os.listdir(tmp_path) == ["c.toml"]


_VALUES = st.one_of(
    st.booleans(),
    st.integers(),
    st.sampled_from(["x", "a ] # b", '"""']),
    st.lists(st.sampled_from(["]", "h"]), max_size=2, unique=True),
)


@given(
    st.lists(st.tuples(st.sampled_from(["a", "llm.url", "llm.allowed-hosts", "qa.b"]), _VALUES), max_size=4),
    st.lists(st.sampled_from(["h", "h:1", "]", "#", "é", '"']), max_size=3, unique=True),
)
def test_whatever_stands_there_nothing_else_changes(lines: list[tuple[str, Any]], values: list[str]) -> None:
    import json

    text = "".join(f"{name} = {json.dumps(value)}  # {name}\n" for name, value in dict(lines).items())
    old = dict(lines).get(NAME, [])
    if isinstance(old, list):  # in the order of the file, new ones behind
        values = [
            *dict.fromkeys(one for one in old if one in values),
            *(one for one in values if one not in old),
        ]
    fresh = with_texts(text, NAME, tuple(values))
    assert fresh is not None
    before, after = tomllib.loads(text), tomllib.loads(fresh)
    assert after["llm"].pop("allowed-hosts") == values
    before.get("llm", {}).pop("allowed-hosts", None)
    assert {**before, "llm": before.get("llm", {})} == after
    if isinstance(old, list):
        assert fresh.count("  # ") == text.count("  # ")


def test_a_new_file_is_its_owner_s_and_a_link_stays_a_link(tmp_path: Path) -> None:
    path = tmp_path / "new" / "c.toml"
    edit_texts(path, lambda tree: {NAME: (str(len(tree)),)})
    assert path.read_text() == '[llm]\nallowed-hosts = ["0"]\n'
    assert path.parent.stat().st_mode & 0o777 == 0o700
    link = tmp_path / "link.toml"
    link.symlink_to(path)
    edit_texts(link, lambda tree: {NAME: (*tree["llm"]["allowed-hosts"], "b")})
    assert link.is_symlink() and path.read_text() == '[llm]\nallowed-hosts = ["0", "b"]\n'


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"theme = ", "not TOML; `agent config --check` says where"),
        (b"\xff", "not UTF-8"),
        (b"#" * 70_000, "larger than 64 KiB"),
        (b"llm = 3\n", 'leaves the rest alone; write: llm.allowed-hosts = ["a"]'),
    ],
)
def test_a_file_that_can_t_take_it_is_left_alone(tmp_path: Path, data: bytes, told: str) -> None:
    path = tmp_path / "c.toml"
    path.write_bytes(data)
    with pytest.raises(UserError) as caught:
        edit_texts(path, lambda _: {NAME: ("a",)})
    assert told in str(caught.value) and str(path) in str(caught.value)
    assert path.read_bytes() == data


def test_no_file_and_a_folder_that_takes_none(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no settings file is used here"):
        edit_texts(Path("/dev/null"), lambda _: {NAME: ("a",)})
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="can't be written: not a directory"):
        edit_texts(tmp_path / "file" / "c.toml", lambda _: {NAME: ("a",)})
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UserError, match="can't be written: not a regular file"):
        edit_texts(tmp_path / "pipe", lambda _: {NAME: ("a",)})


def test_what_another_writes_meanwhile_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "c.toml"
    path.write_text('theme = "light"\n')
    real = config_edit.write_atomic
    met: list[str] = []

    def meanwhile(target: Path, data: bytes, **more: Any) -> None:
        if not met:
            path.write_text('theme = "mono"  # another editor\n')
        met.append(data.decode())
        real(target, data, **more)

    monkeypatch.setattr(config_edit, "write_atomic", meanwhile)
    edit_texts(path, lambda _: {NAME: ("a",)})
    assert path.read_text() == 'theme = "mono"  # another editor\n\n[llm]\nallowed-hosts = ["a"]\n'
    assert len(met) == 2
