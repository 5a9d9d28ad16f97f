"""Secrets stay in memory: no repr, no journal, no argv; and a net for what slips through.

Whoever reads a credential teaches it to the process (`teach`). From then on no `Problem` can hold it, no
`Redactor` lets it pass, and what a server or another program says is shown only through `quoted`.
"""

from __future__ import annotations

import base64
import re
import threading
from collections.abc import Iterable
from typing import Final

import msgspec

from modelcar_tui.core.masking import masked_by_shape
from modelcar_tui.core.search import Search
from modelcar_tui.core.text import clean

SHORTEST = 6
"""Shorter values are not searched for: they would blot out ordinary words."""
VARIABLES: Final = (
    "OCI_REGISTRY_PULL_SECRET",
    "GEMINI_API_KEY",
    "GOOGLE_API_KEY",
    "OPENAI_API_KEY",
    "ANTHROPIC_API_KEY",
)
"""Environment variables whose value is a secret."""
_MOST_PASSING = 256
_MOST_QUOTED = 2**20
_BREAKS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_LONGEST_ORDINARY = 7
"""A password of letters alone, up to so many, may be a word that names and sentences hold too."""
_JSON_ESCAPE = re.compile(r"\\u00([0-9a-fA-F]{2})")


class Secret:
    """A secret text whose `repr` and `str` show nothing. Read it with `reveal()` at the last moment."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value: Final = value

    def reveal(self) -> str:
        """The secret itself, for the one call that needs it."""
        return self._value

    def __bool__(self) -> bool:
        return bool(self._value)

    def __repr__(self) -> str:
        return "Secret(***)"

    __str__ = __repr__

    def __reduce__(self) -> str:
        raise TypeError("a Secret is never pickled or copied to disk")


class Redactor:
    """Replaces every secret that it, or the process, was told of by its mask, in whatever case it is written,
    and then whatever has the shape of one (`core.shapes`).

    Found are the value itself, its base64 forms (also within a longer text), as it stands in a URL and in
    JSON. Values shorter than `SHORTEST` characters are not searched for.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._values: set[str] = set()
        self._passing: dict[str, None] = {}
        self._needles: dict[bytes, str] = {}
        """What is looked for, with the secret that it is a form of; made anew for each that is learnt."""
        self._sources: tuple[dict[bytes, str], dict[bytes, str]] = ({}, {})
        self._search = Search({})

    def add(self, secret: Secret | str) -> None:
        """Learn a secret, the parts of a base64 `user:password`, and the forms in which each may be
        written."""
        value = _text(secret)
        if value in self._values:
            return
        forms = {*_forms(value), *_forms(value.strip())}
        try:
            decoded = base64.b64decode(value.strip(), validate=True).decode()
        except ValueError:
            decoded = ""
        if ":" in decoded or decoded.isprintable():
            forms |= {*_forms(decoded), *_password_forms(decoded.partition(":")[2])}
        self._learn(value, forms)

    def add_password(self, secret: Secret | str, user: str = "") -> None:
        """Learn a password and its lines, alone and with its user.

        A short one of letters alone is looked for in its base64 forms and where a login stands, not as a
        word: it would blot out names that hold it.
        """
        value = _text(secret)
        pair = _forms(f"{user}:{value}") if user and value else ()
        self._learn(value, {*_password_forms(value), *pair})

    def add_lines(self, secret: Secret | str) -> None:
        """Learn a text of several lines, such as a key: as a whole, and each of its lines."""
        value = _text(secret)
        if value in self._values:
            return
        lines = [line.strip() for line in _BREAKS.split(value) if "-----" not in line]
        body = "".join(lines)
        self._learn(value, {value, value.strip(), body, *lines, _base64(value), _base64(value.strip())})

    def add_passing(self, secret: Secret | str) -> None:
        """Learn a token that lives for minutes, as it is written; only the newest of them are kept."""
        value = _text(secret)
        with self._lock:
            self._passing.pop(value, None)
            self._passing[value] = None
            if len(self._passing) > _MOST_PASSING:
                oldest = next(iter(self._passing))
                del self._passing[oldest]
                if oldest not in self._values:
                    gone = _needle(oldest)
                    self._needles = {form: of for form, of in self._needles.items() if form != gone}
            if len(value) >= SHORTEST:
                self._needles = {_needle(value): value, **self._needles}

    def __call__(self, text: str) -> str:
        return masked_by_shape(self.known(text))

    def known(self, text: str) -> str:
        """`text` without what was taught; shapes stay, for what is not one line yet may hide them."""
        search = self._current()
        if search.needles:
            data = text.encode(errors="surrogatepass")
            blotted = search.blot(data)
            text = text if blotted is data else blotted.decode(errors="surrogatepass")
        return text

    def line(self, text: str, *, limit: int) -> str:
        """`text` as one clean line without secrets.

        What was taught is looked for again once it is clean, since an escape sequence may have stood within
        it; shapes are looked for only then, since a line break may.
        """
        return self.known(clean(self.known(text), limit=limit))

    def _learn(self, value: str, forms: Iterable[str]) -> None:
        with self._lock:
            self._values.add(value)
            new = {_needle(form): value for form in forms if len(form) >= SHORTEST}
            self._needles = {**new, **self._needles}

    def _current(self) -> Search:
        """What to look for, made anew only when something was learnt."""
        own, shared = self._needles, _process._needles
        with self._lock:
            if self._sources[0] is not own or self._sources[1] is not shared:
                self._search = Search({**shared, **own}, self._search)
                self._sources = (own, shared)
            return self._search


_process = Redactor()
"""What every part of the process has taught; every other `Redactor` knows it too."""


def teach(*values: Secret | str | None) -> None:
    """Let the whole process know credentials, at the place where they are read."""
    for value in values:
        if value:
            _process.add(value)


def teach_password(password: Secret | str, user: str = "") -> None:
    """`teach` for a password of Basic, which may hold any character, and for a key that stands in it as
    JSON."""
    import json

    value = _text(password)
    _process.add_password(value, user)
    if value.lstrip().startswith("{"):
        try:
            key = json.loads(value).get("private_key")
        except (ValueError, RecursionError):
            return
        if isinstance(key, str):
            teach_lines(key)


def teach_lines(value: Secret | str) -> None:
    """`teach` for a private key, or another text of several lines."""
    _process.add_lines(value)


def teach_passing(value: Secret | str) -> None:
    """`teach` for a token that lives for minutes, of which a run may get hundreds."""
    _process.add_passing(value)


def teach_refused(value: str) -> None:
    """`teach` for a credential that can't be used: with the parts into which it falls at a line break."""
    teach(value, *_BREAKS.split(value))


def redact(text: str) -> str:
    """`text` without any secret that was taught, or that has the shape of one."""
    return _process(text)


def redact_fields(record: msgspec.Struct, *names: str) -> None:
    """`redact` for text fields of a record that is being made: call it in `__post_init__`."""
    for name in names:
        text = getattr(record, name)
        if (safe := redact(text)) is not text:
            msgspec.structs.force_setattr(record, name, safe)


def quoted(words: str | bytes, *, limit: int = 300, of_plugin: bool = False) -> str:
    """What a server or another program says, fit to stand in a sentence of ours: one clean line, no secret.

    It is redacted before it is cut to `limit` characters, so that no beginning of a secret is left over, and
    again once it is clean, since an escape sequence may have stood within one. What only looks like a
    credential is masked too, for not every one was taught (`core.masks`).

    Args:
        of_plugin: it is said by a program that makes credentials, so long words of their kind are masked as
        well.
    """
    from modelcar_tui.core.masks import masked  # its expressions are no part of the first frame

    raw = words[:_MOST_QUOTED]
    text = raw.decode(errors="replace") if isinstance(raw, bytes) else raw
    text = _unescaped(_process.known(text))
    text = masked(redact(clean(text, limit=len(text) * 4 + 1)), runs=of_plugin)
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _unescaped(text: str) -> str:
    """`text` as it is, unless a secret stands in it as HTML or JSON escape it: then without escapes and
    secret."""
    if "&" not in text and "\\" not in text:
        return text
    import html

    plain = _JSON_ESCAPE.sub(lambda found: chr(int(found[1], 16)), html.unescape(text)).replace("\\/", "/")
    safe = _process.known(plain)
    return text if safe == plain else safe


def inside_base64(value: str) -> tuple[str, ...]:
    """What base64 of a longer text looks like where it holds `value`, for each of the three alignments."""
    data = value.encode(errors="surrogatepass")
    found = []
    for shift in range(3):
        padded = bytes(shift) + data
        text = base64.b64encode(padded[: len(padded) // 3 * 3]).decode()
        found.append(text[4 if shift else 0 :])
    return tuple(found)


def _forms(value: str) -> set[str]:
    import json
    from urllib.parse import quote

    whole = _base64(value).rstrip("=")
    packed = {whole, *(inside_base64(value) if len(value) >= 8 else ())}
    address_safe = {form.translate(str.maketrans("+/", "-_")) for form in packed}
    in_address = {quote(form, safe="", errors="replace") for form in (value, whole)}
    return {value, json.dumps(value)[1:-1], *packed, *address_safe, *in_address}


def _password_forms(value: str) -> set[str]:
    forms = {*_forms(value), *_forms(value.strip())}
    if _is_ordinary(value):
        return (forms - {value}) | {f":{value}@"}
    forms.add(clean(value))
    return forms | {line.strip() for line in _BREAKS.split(value) if not _is_ordinary(line.strip())}


def _is_ordinary(value: str) -> bool:
    return value.isalpha() and len(value) <= _LONGEST_ORDINARY


def _text(secret: Secret | str) -> str:
    return secret.reveal() if isinstance(secret, Secret) else secret


def _needle(form: str) -> bytes:
    return form.encode(errors="surrogatepass").lower()


def _base64(text: str) -> str:
    return base64.b64encode(text.encode(errors="surrogatepass")).decode()
