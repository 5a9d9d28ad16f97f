"""Secrets stay in memory: no repr, no journal, no argv; and a net for what slips through."""

from __future__ import annotations

import base64
from typing import Final


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
    """Replaces every secret that it was told of, and its base64 forms, by `***`.

    Shorter values than six characters are not searched for: they would blot out ordinary words.
    """

    def __init__(self) -> None:
        self._needles: list[str] = []

    def add(self, secret: Secret | str) -> None:
        """Learn a secret, the parts of a base64 `user:password`, and its own base64 form."""
        value = secret.reveal() if isinstance(secret, Secret) else secret
        forms = {value, value.strip(), *map(_base64, (value, value.strip()))}
        try:
            decoded = base64.b64decode(value.strip(), validate=True).decode()
        except ValueError:
            decoded = ""
        if decoded.isprintable():
            password = decoded.partition(":")[2]
            forms |= {decoded, password, _base64(password)}
        known = set(self._needles) | {form for form in forms if len(form) >= 6}
        self._needles = sorted(known, key=len, reverse=True)

    def __call__(self, text: str) -> str:
        for needle in self._needles:
            if needle in text:
                text = text.replace(needle, "***")
        return text


def _base64(text: str) -> str:
    return base64.b64encode(text.encode(errors="surrogatepass")).decode()
