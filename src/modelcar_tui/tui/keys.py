"""The one table of keys: each has one meaning on every screen, and `docs/keys.md` says the same.

Sweeping acts are shifted. A screen binds what it has; it can't give a key another meaning.
"""

from __future__ import annotations

from textual.binding import Binding, BindingType

KEYS: dict[str, str] = {
    "j": "down",
    "k": "up",
    "down": "down",
    "up": "up",
    "pagedown": "a page down",
    "pageup": "a page up",
    "home": "to the beginning",
    "end": "to the end",
    "left": "left, of long lines",
    "right": "right, of long lines",
    "enter": "open what is under the cursor, fold or unfold a group; never approves",
    "escape": "back",
    "q": "leave the screen; on the dashboard, the program",
    "1": "open or close the specialist of that number",
    "tab": "next panel",
    "shift+tab": "panel before",
    "ctrl+o": "a letter on each panel, and the letter goes there",
    "m": "the models",
    "d": "review the proposed changes",
    "g": "all GPUs",
    "l": "the whole log",
    "o": "summary of the run",
    "a": "ask about the run, or what if",
    "x": "what QA would do to the cluster, and start it",
    "z": "zoom the panel",
    "b": "group by the next thing, or not",
    "greater_than_sign": "order by the next column",
    "slash": "filter (regular expression, ! inverts)",
    "n": "next match in the log",
    "N": "match before",
    "e": "the root cause, then the next error in the log",
    "E": "error before",
    "f": "follow the log",
    "w": "wrap long lines",
    "T": "times of the log's lines",
    "s": "save the log to a file",
    "i": "the node, or what limits the GPUs",
    "r": "read the cluster again",
    "y": "copy what is shown",
    "v": "next view: reason, text diff, what would be written",
    "space": "accept the change; again: undecided",
    "minus": "reject the change; skip QA",
    "equals_sign": "edit the value",
    "V": "edit the value in $EDITOR",
    "A": "accept what is required",
    "asterisk": "accept all that is undecided",
    "D": "reject all that is undecided",
    "U": "undo the last step of the review",
    "W": "write what is accepted (asks for a word)",
    "R": "reject the whole plan (asks for a word)",
    "X": "start QA, in its question",
    "S": "stop QA or the run",
    "L": "leave QA running, and quit",
    "C": "clean up what QA left",
    "right_curly_bracket": "next model or node",
    "left_curly_bracket": "model or node before",
    "question_mark": "why: what is under the cursor, and all keys",
    "f1": "why: what is under the cursor, and all keys",
    "ctrl+p": "all commands and themes",
    "ctrl+l": "draw the screen again",
    "ctrl+c": "quit",
    "ctrl+q": "quit",
}
"""By Textual's names; a digit stands for all of them."""


def bind(keys: str, action: str, *, show: bool = True, priority: bool = False) -> list[BindingType]:
    """Bindings of `keys` (with commas between), each with the words of the table.

    Raises:
        KeyError: a key that is not in the table.
    """
    return [
        Binding(key, action, KEYS["1" if key.isdecimal() else key], show=show, priority=priority)
        for key in keys.split(",")
    ]
