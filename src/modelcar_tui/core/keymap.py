"""The one table of keys: what can be done, with which key, and what an operator may put on other keys.

Keys are written as they are printed on a keyboard: `c`, `C`, `?`, `ctrl+r`, `F5`, `space`. A key has one
meaning on every screen. `docs/keys.md` says the same.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from modelcar_tui.core.text import reveal

Keymap = Mapping[str, tuple[str, ...]]
"""Keys by the name of what they do; what is not in it has its default keys."""


class Act(NamedTuple):
    """Something that a key does."""

    keys: tuple[str, ...]
    """The default keys; the first is the one that hints name."""
    meaning: str
    sweeping: bool = False
    """It touches more than what is under the cursor: its key must not be hit by habit."""


ACTS: dict[str, Act] = {
    "down": Act(("j", "down"), "down"),
    "up": Act(("k", "up"), "up"),
    "page-down": Act(("PgDn",), "a page down"),
    "page-up": Act(("PgUp",), "a page up"),
    "first": Act(("home",), "to the beginning"),
    "last": Act(("end",), "to the end"),
    "left": Act(("left",), "left, of long lines"),
    "right": Act(("right",), "right, of long lines"),
    "open": Act(("Enter",), "open what is under the cursor, fold or unfold a group; never approves"),
    "back": Act(("Esc",), "back"),
    "leave": Act(("q",), "leave the screen; on the dashboard, the program"),
    "specialist": Act(("1",), "open or close the specialist of that number"),
    "next-panel": Act(("tab",), "next panel"),
    "previous-panel": Act(("shift+tab",), "panel before"),
    "jump": Act(("ctrl+o",), "a letter on each panel, and the letter goes there"),
    "models": Act(("m",), "the models"),
    "review": Act(("d",), "review the proposed changes"),
    "gpus": Act(("g",), "all GPUs"),
    "log": Act(("l",), "the whole log"),
    "summary": Act(("o",), "summary of the run"),
    "ask": Act(("a",), "ask about the run, or what if"),
    "language-model": Act(("M",), "let a language model be asked, or not"),
    "qa": Act(("x",), "what QA would do to the cluster, and start it"),
    "try": Act(("t",), "try the model on the real GPU, and how its try goes; asks before anything is made"),
    "zoom": Act(("z",), "zoom the panel"),
    "group": Act(("b",), "group by the next thing, or not"),
    "order": Act((">",), "order by the next column"),
    "filter": Act(("/",), "filter (regular expression, ! inverts)"),
    "next-match": Act(("n",), "next match in the log"),
    "previous-match": Act(("N",), "match before"),
    "next-error": Act(("e",), "the root cause, then the next error in the log"),
    "previous-error": Act(("E",), "error before"),
    "follow": Act(("f",), "follow the log"),
    "wrap": Act(("w",), "wrap long lines"),
    "times": Act(("T",), "times of the log's lines"),
    "save": Act(("s",), "save the log to a file"),
    "limits": Act(("i",), "the node, or what limits the GPUs"),
    "read-again": Act(("r",), "read the cluster again"),
    "copy": Act(("y",), "copy what is shown"),
    "view": Act(("v",), "next view: reason, text diff, what would be written"),
    "accept": Act(("space",), "accept the change; again: undecided"),
    "reject": Act(("-",), "reject the change; skip QA, or the try"),
    "edit": Act(("=",), "edit the value"),
    "editor": Act(("V",), "edit the value in $EDITOR"),
    "accept-required": Act(("A",), "accept what is required", sweeping=True),
    "accept-all": Act(("*",), "accept all that is undecided", sweeping=True),
    "reject-all": Act(("D",), "reject all that is undecided", sweeping=True),
    "undo": Act(("U",), "undo the last step of the review"),
    "write": Act(("W",), "write what is accepted (asks for a word)", sweeping=True),
    "reject-plan": Act(("R",), "reject the whole plan (asks for a word)", sweeping=True),
    "start-qa": Act(("X",), "start QA, or the try, in its question", sweeping=True),
    "stop": Act(("S",), "stop QA, the try or the run", sweeping=True),
    "detach": Act(("L",), "leave QA running, and quit", sweeping=True),
    "clean-up": Act(("C",), "clean up what QA left", sweeping=True),
    "pause": Act(("p",), "of a replay: pause, or go on"),
    "slower": Act(("[",), "of a replay: slower, down to x0.25"),
    "faster": Act(("]",), "of a replay: faster, up to x64"),
    "back-10": Act((",",), "of a replay: 10 s back"),
    "forward-10": Act((".",), "of a replay: 10 s forward"),
    "previous-event": Act(("(",), "of a replay: to what mattered before"),
    "next-event": Act((")",), "of a replay: to what matters next"),
    "beginning": Act(("^",), "of a replay: to its beginning"),
    "ending": Act(("$",), "of a replay: to its end"),
    "next": Act(("}",), "next model or node"),
    "previous": Act(("{",), "model or node before"),
    "resume": Act(("u",), "go on with the earlier run"),
    "show-again": Act(("P",), "show the earlier run again"),
    "report": Act(("O",), "copy the command that writes the run's report"),
    "remove": Act(("B",), "remove the earlier run (asks for a word)", sweeping=True),
    "why": Act(("?", "F1"), "why: what is under the cursor, and all keys"),
    "commands": Act(("ctrl+p",), "all commands and themes"),
    "picture": Act(("F7",), "a picture of the screen (SVG), in the run's folder"),
    "redraw": Act(("ctrl+l",), "draw the screen again"),
    "quit": Act(("ctrl+c", "ctrl+q"), "quit"),
}
"""By the name that the settings file uses; a digit stands for all of them."""
ACT_OF = {key: name for name, act in ACTS.items() for key in act.keys}
STAY = frozenset(
    (
        *("down", "up", "PgDn", "PgUp", "home", "end", "left", "right", "Enter", "Esc"),
        *("1", "tab", "shift+tab", "ctrl+c", "ctrl+q"),
    )
)
"""Default keys that can't be taken away: whoever is lost must find the way out."""
MOST = 4
"""Keys that one thing may have."""
SIGNS = frozenset("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}")
_NAMES = {name.lower(): name for name in (*STAY, "space", "backspace", "delete", "insert")} | {
    "escape": "Esc",
    "return": "Enter",
    "pagedown": "PgDn",
    "pageup": "PgUp",
    "del": "delete",
    "ins": "insert",
}
_EDITING = ("space", "backspace", "delete", "insert")
_CTRL = re.compile(r"(?:C-|\^|<C-|ctrl-|control[+-]|strg[+-])([A-Za-z])>?", re.IGNORECASE)
"""How others write it."""
_TMUX = "tmux begins its own keys with it"
_FLOW = "many terminals stop or start their output at it"
_TAKEN = {
    "ctrl+a": "screen and many a tmux begin their own keys with it",
    "ctrl+b": _TMUX,
    "ctrl+s": _FLOW,
    "ctrl+q": _FLOW,
    "ctrl+z": "the shell takes it for suspend",
    "ctrl+h": "terminals send it for backspace",
    "ctrl+i": "terminals send it for tab",
    "ctrl+j": "terminals send it for Enter",
    "ctrl+m": "terminals send it for Enter",
    "~": "ssh takes it for its own after Enter",
    "F10": "terminals open their menu with it",
    "F11": "terminals fill the screen with it",
}
"""What does not come as itself through a terminal, ssh and tmux, and why."""


class Judged(NamedTuple):
    """A line of `[keys]`: its keys as they are printed, or what is wrong and how to mend it."""

    name: str
    keys: tuple[str, ...] = ()
    what: str = ""
    fix: str = ""


def keys_of(name: str, moved: Keymap) -> tuple[str, ...]:
    """All keys of an act: the operator's, or the default ones; then those that stay."""
    default = ACTS[name].keys
    if name not in moved:
        return default
    return tuple(dict.fromkeys((*moved[name], *(key for key in default if key in STAY))))


def judged(table: Mapping[str, Any]) -> list[Judged]:
    """Each line of `[keys]`, in the file's order."""
    found = [_line(name, value) for name, value in table.items()]
    moved = {one.name: one.keys for one in found if not one.what}
    faulty = {one.name for one in found if one.what}
    users = {key: ACT_OF[key] for key in STAY}
    for name in (*(name for name in ACTS if name not in moved and name not in faulty), *moved):
        for key in keys_of(name, moved):
            users.setdefault("1" if key.isdecimal() else key, name)
    return [one if one.what else _alone(one, users) for one in found]


def named_key(text: str) -> tuple[str, str, str]:
    """A key as it is printed, of what an operator wrote; else what is wrong with it, and how to mend it."""
    shown = f'"{reveal(text[:20])}"'
    key = _read(text)
    if key in _TAKEN:
        return "", f"{shown} does not come through: {_TAKEN[key]}", "take another key"
    if key:
        return key, "", ""
    head, plus, last = text.lower().rpartition("+")
    if plus and {"alt", "meta", "super", "cmd", "option"} & set(head.split("+")):
        return "", f"{shown} does not come through: terminals send Esc and the key", "take another key"
    if head == "shift" and len(last) == 1 and last.isalpha():
        return "", f"{shown} is no key", f'a shifted letter is written "{last.upper()}"'
    if near := _CTRL.fullmatch(text):
        return "", f"{shown} is no key", f'did you mean "ctrl+{near[1].lower()}"?'
    return "", f"{shown} is no key", 'write it as it is printed: "c", "C", "?", "ctrl+r", "F5", "space"'


def _read(text: str) -> str:
    """The key, whether it is a good one or not; empty where there is no such key."""
    low = text.lower()
    if len(text) == 1 and text.isascii() and (text.isalnum() or text in SIGNS or text == "~"):
        return text
    if low in _NAMES:
        return _NAMES[low]
    if low[:1] == "f" and low[1:] in {str(number) for number in range(1, 13)}:
        return low.upper()
    head, _, letter = low.partition("+")
    return low if head == "ctrl" and len(letter) == 1 and letter.isascii() and letter.isalpha() else ""


def _line(name: str, value: Any) -> Judged:
    """A line by itself."""
    if name not in ACTS:
        return Judged(name, what="nothing has this name", fix=_near(name))
    if name == "specialist":
        return Judged(name, what="the digits open the specialists, and stay", fix="take the line out")
    texts = value if isinstance(value, list) else [value]
    if not texts or not all(isinstance(text, str) and text for text in texts):
        return Judged(name, what="this is no key", fix='write one in quotes, or several: ["c", "F2"]')
    if len(texts) > MOST:
        return Judged(name, what=f"{len(texts)} keys", fix=f"{MOST} at most")
    keys = []
    for text in texts:
        if _read(text) in STAY.intersection(ACTS[name].keys):
            continue
        key, what, fix = named_key(text)
        if not what:
            what, fix = _unsafe(name, key)
        if what:
            return Judged(name, what=what, fix=fix)
        keys.append(key)
    return Judged(name, tuple(dict.fromkeys(keys)))


def _unsafe(name: str, key: str) -> tuple[str, str]:
    """Why an act may not have a key, and what to take instead; two empty texts where it may."""
    if name == "quit" and (len(key) == 1 or key in _EDITING):
        return f'"{key}" may be a part of what you type', 'take one with ctrl, or "F9"'
    if ACTS[name].sweeping and (key in _EDITING or (len(key) == 1 and key.islower())):
        what = f'"{key}" is hit too easily: this touches more than what is under the cursor'
        return what, f'take a shifted key, such as "{ACTS[name].keys[0]}"'
    return "", ""


def _alone(one: Judged, users: Mapping[str, str]) -> Judged:
    """As it is, where nothing else has one of its keys."""
    for key in one.keys:
        if key.isdecimal():
            return Judged(one.name, what=f'"{key}" opens a specialist, and stays', fix="take another key")
        other = users.get(key, one.name)
        if other != one.name and key in STAY:
            return Judged(one.name, what=f'"{key}" is {other}, and stays', fix="take another key")
        if other != one.name:
            return Judged(
                one.name,
                what=f'"{key}" is {other} already ({ACTS[other].meaning})',
                fix=f"take another key, or give {other} one too",
            )
    return one


def _near(name: str) -> str:
    act = ACT_OF.get(_read(name))
    if act is not None and act != "specialist":
        return f'the name stands at the left, the key at the right: {act} = "..."'
    import difflib

    near = difflib.get_close_matches(name[:40].lower().replace("_", "-"), ACTS, 1, 0.6)
    return f"did you mean {near[0]}?" if near else "docs/keys.md has the names"
