"""Text from outside at its worst, and what no byte of an output may be, whoever wrote the text."""

from __future__ import annotations

import json
import os
import re
import unicodedata
from collections.abc import Iterable
from xml.etree import ElementTree

TOKEN = "ghp_" + "aB3dE5gH7jK9mN1pQ3sT5vX7zB9dF1hJ3lN5"
"""Has the shape of a secret, and is none."""
CLASSES = {
    "csi": "\x1b[2J\x1b[31mP",
    "title": "\x1b]0;owned\x07P",
    "clipboard": "\x1b]52;c;ZXZpbA==\x1b\\P",
    "hyperlink": "\x1b]8;;http://evil.example\x1b\\P\x1b]8;;\x1b\\",
    "dcs": "\x1bPq#0\x1b\\P\x1b_apc\x1b\\P",
    "reset": "\x1bcP\x1b",
    "c1": "\x9b2JP\x9d0;owned\x9cP\x85P",
    "c0": "a\x07\x08\x0b\x0c\x0e\x7fP",
    "carriage": "good\rP",
    "lines": 'a\n::error file=x::P\n## P\n- [x] P\n{"seq":1}\r\nP',
    "separators": "a\u2028P\u2029P",
    "bidi": "a\u202eP\u2066b\u2069",
    "zero width": "P\u200bW\u200dN\ufeff\u00ad\u034f\U000e0041",
    "surrogate": "a\udcff\udc9b2JP",
    "unassigned": "a\u0378\ue000P\ufe0f",
    "markup": "[/x] [bold]P[/bold] [@click=app.quit]P[/] [link=http://evil.example]P[/link]",
    "markdown": "[P](https://evil.example/x) ![P](https://evil.example/x.png) `P` **P** | P | @all #1 ~~~",
    "reference": "[P][1] <https://evil.example> https://evil.example",
    "html": "<script>alert(1)</script><img src=x onerror=alert(1)> \" onmouseover='x' &lt;b&gt; --> ]]>",
    "github": "%0A::error file=x,line=1::P ::set-output name=x::P ##[error]P",
    "secret": f"P {TOKEN} https://user:Zx8qLw3Rt5@evil.example/",
    "split secret": f"{TOKEN[:9]}\u200b{TOKEN[9:]} login\x1b[0m{TOKEN}",
    "wide": "漢字é\u0301" * 8,
    "long": "P" * 3000,
    "nul": "a\x00P",
    "template": "{{ 7*7 }} {% x %} ${x} %s {0} {x!r}",
}
"""Each kind once. NUL is in no argument and in no name of a file."""
SECRETS = (TOKEN, TOKEN[9:], "Zx8qLw3Rt5")
GROUPS = {
    "terminal": ("csi", "title", "clipboard", "hyperlink", "dcs", "c1", "c0", "reset"),
    "lines": ("lines", "separators", "carriage", "github"),
    "unseen": ("bidi", "zero width", "unassigned", "wide"),
    "bytes": ("surrogate",),
    "markup": ("markup", "markdown", "reference", "html", "template"),
    "secret": ("secret", "split secret"),
    "long": ("long",),
}
"""Kinds that are told together: what one of them does to an output the others do not hide."""


def some(kinds: Iterable[str], place: int) -> list[str]:
    """Of `kinds` the one whose turn it is at a place; all of them where `MATRIX=whole` is set.

    So every place meets a kind and every kind many places, at a seventh of the cost.
    """
    every = [*kinds]
    return every if os.environ.get("MATRIX") == "whole" else [every[place % len(every)]]


def payload(group: str) -> str:
    """The kinds of a group in one text."""
    return " ".join(CLASSES[one] for one in GROUPS[group])


def faults(data: bytes, *, tabs: bool = False) -> list[str]:
    """What a terminal would act on, or the eye would not see, or nobody may read, each with its place.

    Args:
        data: all of an output, line ends included.
        tabs: whether a tab is data here.
    """
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        return [f"no UTF-8: {data[max(0, error.start - 40) : error.start + 20]!r}"]
    allowed = "\n\t" if tabs else "\n"
    found = [
        f"U+{ord(char):04X} in {text[max(0, at - 60) : at + 30]!r}"
        for at, char in enumerate(text)
        if not char.isascii() or not char.isprintable()
        if char not in allowed and _acts(char)
    ]
    flat = re.sub(r"<U\+[0-9A-F]{4,6}>|\\\\?(?:u[0-9a-f]{4}|x[0-9a-f]{2})|\ufffd", "", text)
    for one in SECRETS:
        at = flat.find(one)
        if at >= 0:
            found.append(f"a secret in {flat[max(0, at - 60) : at + 50]!r}")
    return found


def _acts(char: str) -> bool:
    return unicodedata.category(char) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp") or char in "\u034f\ufe0f"


def shape_faults(form: str, text: str) -> list[str]:
    """Of an output that is to be read by a machine, why it can't be; of annotations, those that are not ours.

    Args:
        form: json, jsonl, sarif, xml, github; of others nothing is asked.
        text: the output.
    """
    try:
        match form:
            case "json" | "sarif":
                json.loads(text)
            case "jsonl":
                for line in text.splitlines():
                    json.loads(line)
            case "xml":
                ElementTree.fromstring(text)
            case "github":
                begun = re.compile(r"::(?:error|warning|notice) file=")
                return [f"a line of its own: {line!r}" for line in text.splitlines() if not begun.match(line)]
    except (ValueError, ElementTree.ParseError) as error:
        return [f"no {form}: {error}"]
    return []
