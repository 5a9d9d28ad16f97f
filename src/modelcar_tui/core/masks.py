"""What looks like a credential in the words of others, whether or not anybody taught it.

A token that oc or kubectl gets from a plug-in for itself is never read by us, and a server may repeat only a
part of one. Both stand behind `Bearer`, `Authorization:` and the like, or begin as such tokens do.
"""

from __future__ import annotations

import base64
import re

from modelcar_tui.core.numbers import MASKED, mask_of
from modelcar_tui.core.shapes import without_shapes

_SHORTEST = 6
_LONGEST_WORD = 20
_GAP = (
    r"""(?:[\s"'`=:,\\+\ufffd\[]|%(?:25)*(?:09|20|22|27|3[ad])|&nbsp;|&quot;|&\#x?[0-9a-f]{1,4};"""
    r"""|\\u00[0-9a-f]{2}|\\[nrt]){1,12}"""
)
"""What may stand between a scheme and its credential: blanks, quotes, also as URLs, HTML and JSON write
them."""
_WORD = r"""[^\s"'`<>*,]{6,}"""
_FILLER = rf"(?P<filler>(?:(?:token|header|value|auth|credentials?){_GAP}){{0,3}})"
_BEHIND_A_SCHEME = re.compile(
    rf"(?P<scheme>bearer|basic|negotiate)(?P<gap>{_GAP}){_FILLER}(?P<word>{_WORD})", re.IGNORECASE
)
_BEHIND_A_HEADER = re.compile(
    rf"(?P<scheme>authorization|x-(?:auth-token|registry-auth|api-key))(?P<gap>{_GAP})"
    rf"(?P<filler>(?:[a-z]{{3,12}}(?:\s|%(?:25)*20)+)?)(?P<word>{_WORD})",
    re.IGNORECASE,
)
_PARAMETER = re.compile(
    r"(?:realm|scope|service|error|error_description|error_uri|charset|nonce)=", re.IGNORECASE
)
_RUN = re.compile(r"(?<![*A-Za-z0-9+/=_~.-])[A-Za-z0-9+/=_~.-]{20,}")
_PATH = re.compile(r"~?\.{0,2}/")
_HOST = re.compile(r"(?:[a-z0-9-]+\.)+[a-z]{2,12}(?:/v\d\w{0,12})?\.?")


def _packed_schemes() -> str:
    """How base64 of a header begins, or holds, `Bearer ` and `Basic `, for each of its three alignments."""
    found = []
    for name in (b"Bearer ", b"Basic "):
        for shift in range(3):
            whole = base64.b64encode(bytes(shift) + name).decode()
            found.append(whole[(0, 2, 3)[shift] : (shift + len(name)) * 8 // 6])
    return "|".join(map(re.escape, found))


_PACKED = re.compile(rf"(?:{_packed_schemes()})[A-Za-z0-9+/=_-]*")


def masked(text: str, *, runs: bool = False) -> str:
    """A text with a mask for what looks like a credential.

    Masked are what `core.shapes` knows; the word behind `Bearer`, `Basic`, `Negotiate`, `Authorization:` and
    their like if it is no ordinary one; base64 of a header.

    Args:
        runs: also long runs of characters of tokens that are no path and no host: for the words of a program
            that had a token in its hands.
    """
    text = _BEHIND_A_HEADER.sub(_behind, _BEHIND_A_SCHEME.sub(_behind, text))
    text = _PACKED.sub(lambda found: mask_of(found[0]), text)
    text = without_shapes(text)
    return _RUN.sub(_run, text) if runs else text


def unlike_a_word(text: str) -> bool:
    """Whether a text of six characters or more is none that a sentence holds: a credential, or a part of
    one."""
    word = text.rstrip(".,;:!?)]}…")
    return len(word) >= _SHORTEST and (
        bool(re.search(r"[0-9_.~+/=:-]|[a-z][A-Z]", word)) or len(word) > _LONGEST_WORD or _is_cut(text)
    )


def _is_cut(word: str) -> bool:
    return word.endswith(("...", "…"))


def _behind(found: re.Match[str]) -> str:
    scheme, word = found["scheme"].lower(), found["word"]
    hidden = unlike_a_word(word) and not _PARAMETER.match(word)
    if scheme == "negotiate":
        hidden = hidden and len(word) > _LONGEST_WORD  # `negotiate TLS1.2` is no credential
    elif found["filler"] or scheme == "basic":
        hidden = hidden and bool(re.search(r"[0-9=]|[a-z][A-Z]", word) or _is_cut(word))
    if not hidden or MASKED.match(word):
        return found[0]
    return f"{found['scheme']}{found['gap']}{found['filler']}{mask_of(word)}"


def _run(found: re.Match[str]) -> str:
    run = found[0]
    plain = not any(char.isdigit() for char in run) or _PATH.match(run) or _HOST.fullmatch(run)
    return run if plain else mask_of(run)
