"""`[keys]` of the settings file: what an operator may put where, and one clear line for what may not be."""

from __future__ import annotations

import string
from pathlib import Path

import pytest

from modelcar_tui.core.config_file import GivenKeys, read_config
from modelcar_tui.core.keymap import ACT_OF, ACTS, STAY, Judged, judged, keys_of

MOVABLE = [name for name, act in ACTS.items() if set(act.keys) - STAY]
SWEEPING = [name for name, act in ACTS.items() if act.sweeping]


def only(name: str, value: object) -> Judged:
    """What is said of one line that stands alone."""
    (one,) = judged({name: value})
    return one


def lines(tmp_path: Path, text: str) -> list[str]:
    """The faults of a file with this text, without its path."""
    path = tmp_path / "c.toml"
    path.write_text(text)
    return [
        str(one).removeprefix(f"{path}:") for one in read_config({"MODELCAR_TUI_CONFIG": str(path)}).problems
    ]


def test_the_table_gives_each_key_one_meaning() -> None:
    assert len(ACT_OF) == sum(len(act.keys) for act in ACTS.values())
    for name in SWEEPING:
        assert not any(key.islower() for key in ACTS[name].keys), name


@pytest.mark.parametrize("name", MOVABLE)
def test_every_act_can_have_its_default_keys_and_a_free_one(name: str) -> None:
    own = [key for key in ACTS[name].keys if key != "ctrl+q"]
    assert only(name, own).what == ""
    moved = only(name, "F9")
    assert (moved.keys, moved.what) == (("F9",), "")
    assert keys_of(name, {name: moved.keys})[0] == "F9"
    assert set(keys_of(name, {name: moved.keys})) == {"F9", *STAY.intersection(ACTS[name].keys)}


@pytest.mark.parametrize("name", sorted({ACT_OF[key] for key in STAY} - {"specialist"}))
def test_what_leads_out_gets_a_companion_and_loses_nothing(name: str) -> None:
    stay = STAY.intersection(ACTS[name].keys)
    for value in ("F9", ["F9", *stay], list(stay)):
        moved = only(name, value)
        assert moved.what == "" and stay <= set(keys_of(name, {name: moved.keys}))


@pytest.mark.parametrize(
    ("text", "key"),
    [("c", "c"), ("C", "C"), (";", ";"), ("F5", "F5"), ("f5", "F5"), ("Ctrl+R", "ctrl+r"),
     ("Delete", "delete")],
)  # fmt: skip
def test_a_key_is_read_as_it_is_printed(text: str, key: str) -> None:
    # C cleans up by default: it is free once that has another key.
    (one, _) = judged({"review": text, "clean-up": "F8"})
    assert (one.keys, one.what) == ((key,), "")


@pytest.mark.parametrize(
    "key", ["alt+x", "Alt+F4", "meta+x", "ctrl+a", "ctrl+b", "ctrl+s", "ctrl+q", "ctrl+z", "ctrl+h", "ctrl+i",
            "ctrl+j", "ctrl+m", "~", "F10", "F11", "ctrl+alt+x"],
)  # fmt: skip
def test_what_a_terminal_keeps_for_itself_is_refused_with_the_reason(key: str) -> None:
    said = only("review", key)
    head, _, reason = said.what.partition(" does not come through: ")
    assert head == f'"{key}"' and len(reason) > 10 and said.fix == "take another key"


@pytest.mark.parametrize(
    ("value", "what", "fix"),
    [
        ("ö", '"ö" is no key', "write it as it is printed"),
        ("", "this is no key", "write one in quotes, or several"),
        ([], "this is no key", "write one in quotes, or several"),
        (5, "this is no key", "write one in quotes, or several"),
        (["c", 5], "this is no key", "write one in quotes, or several"),
        (["c", "h", "p", "t", "u"], "5 keys", "4 at most"),
        ("F13", '"F13" is no key', "write it as it is printed"),
        ("shift+c", '"shift+c" is no key', 'a shifted letter is written "C"'),
        ("C-r", '"C-r" is no key', 'did you mean "ctrl+r"?'),
        ("^R", '"^R" is no key', 'did you mean "ctrl+r"?'),
        ("a\x1b[2J", '"a<U+001B>[2J" is no key', "write it as it is printed"),
        ("x" * 400, f'"{"x" * 20}" is no key', "write it as it is printed"),
        ("g", '"g" is gpus already (all GPUs)', "take another key, or give gpus one too"),
        ("?", '"?" is why already', "take another key, or give why one too"),
        ("7", '"7" opens a specialist, and stays', "take another key"),
        ("enter", '"Enter" is open, and stays', "take another key"),
        ("escape", '"Esc" is back, and stays', "take another key"),
        ("ctrl+c", '"ctrl+c" is quit, and stays', "take another key"),
        ("up", '"up" is up, and stays', "take another key"),
        ("Tab", '"tab" is next-panel, and stays', "take another key"),
    ],
)  # fmt: skip
def test_what_can_t_be_a_key_of_the_review_is_said(value: object, what: str, fix: str) -> None:
    said = only("review", value)
    assert said.what.startswith(what) and said.fix.startswith(fix) and not said.keys


def test_a_key_that_is_given_away_can_t_be_taken_even_so_where_it_stays() -> None:
    (models, _) = judged({"models": "Esc", "back": "F9"})
    assert models.what == '"Esc" is back, and stays'


@pytest.mark.parametrize("name", SWEEPING)
def test_sweeping_acts_take_no_key_of_habit(name: str) -> None:
    for key in (*string.ascii_lowercase, "space", "backspace"):
        said = only(name, key)
        assert said.what.startswith(f'"{key}" is hit too easily'), key
        assert said.fix == f'take a shifted key, such as "{ACTS[name].keys[0]}"'
    assert only(name, "enter").what == '"Enter" is open, and stays'


def test_quitting_takes_nothing_that_may_be_typed() -> None:
    for key in ("Q", "c", "!", "space", "backspace"):
        assert only("quit", key).what == f'"{key}" may be a part of what you type'
    assert keys_of("quit", {"quit": only("quit", "ctrl+x").keys}) == ("ctrl+x", "ctrl+c", "ctrl+q")


def test_two_may_change_places_and_two_may_not_meet() -> None:
    assert [one.keys for one in judged({"review": "g", "gpus": "d"})] == [("g",), ("d",)]
    first, second = judged({"review": "c", "gpus": ["g", "c"]})
    assert first.what == "" and second.what.startswith('"c" is review already')


@pytest.mark.parametrize(
    ("name", "fix"),
    [
        ("rewiew", "did you mean review?"),
        ("Accept_Required", "did you mean accept-required?"),
        ("d", 'the name stands at the left, the key at the right: review = "..."'),
        ("?", 'the name stands at the left, the key at the right: why = "..."'),
        ("1", "docs/keys.md has the names"),
        ("qwertz", "docs/keys.md has the names"),
    ],
)  # fmt: skip
def test_a_name_that_is_none_is_said_with_the_nearest(name: str, fix: str) -> None:
    said = only(name, "F9")
    assert (said.what, said.fix) == ("nothing has this name", fix)
    assert only("specialist", "F9").what == "the digits open the specialists, and stay"


def test_every_fault_has_its_line_of_the_file(tmp_path: Path) -> None:
    text = 'theme = "lihgt"\n[keys]\nreview = "c"\nrewiew = "h"\ngpus = "alt+g"\n'
    text += 'log = [\n  "c",\n]\n"?" = "F9"\n'
    assert lines(tmp_path, text) == [
        '1: theme: "lihgt" is none of dark, light, colour-blind, ansi, mono; did you mean light?',
        "4: keys.rewiew: nothing has this name; did you mean review?",
        '5: keys.gpus: "alt+g" does not come through: terminals send Esc and the key; take another key',
        '6: keys.log: "c" is review already (review the proposed changes); '
        "take another key, or give review one too",
        '9: keys.?: nothing has this name; the name stands at the left, the key at the right: why = "..."',
    ]


@pytest.mark.parametrize(
    "text",
    [
        '[keys]\nreview = "c"\n',
        'keys.review = "c"\n',
        '\nkeys = { review = ["c"] }\n',
        "keys.'review' = \"c\"",
    ],
)
def test_every_form_of_toml_is_read_with_its_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "c.toml"
    path.write_text(text)
    found = read_config({"MODELCAR_TUI_CONFIG": str(path)})
    where = next(number for number, line in enumerate(text.splitlines(), 1) if "review" in line)
    assert (found.problems, found.keys) == ((), {"review": GivenKeys(("c",), where)})


@pytest.mark.parametrize("text", ['keys = "c"', "keys = 5", "keys = []", "[[keys]]"])
def test_keys_that_are_no_table_are_refused(tmp_path: Path, text: str) -> None:
    assert lines(tmp_path, text) == [
        '1: keys: no such setting; it is a table: [keys], and under it lines as review = "c"'
    ]
