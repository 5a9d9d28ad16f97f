"""Secrets that a manifest holds in clear text: shown, journalled and sent nowhere.

The edit of the file works on its bytes and needs no value of a secret, so none is kept in what is read of it.
"""

from __future__ import annotations

import difflib
import re
from functools import lru_cache
from typing import TYPE_CHECKING

from modelcar_tui.core.masking import masked_by_shape
from modelcar_tui.core.names import Kind, kind_of
from modelcar_tui.core.numbers import is_mask, mask_of
from modelcar_tui.core.secrets import teach
from modelcar_tui.core.shapes import is_secret_value, unlike_ordinary
from modelcar_tui.manifest.edits import Edit, splice

if TYPE_CHECKING:
    from modelcar_tui.manifest.kinds.shell import Word

SECRET_FLAGS = ("--api-key", "--hf-token", "--ssl-keyfile-password")
"""vLLM's own, and what its HTTP server has; their values are shown nowhere: not in findings, not in changes,
not in a diff."""
_REFERENCE = re.compile(r"\$\([A-Za-z_][\w.-]*\)\Z")
"""`$(NAME)`: Kubernetes puts an environment variable there, so the text itself tells nothing."""
_FLAG = re.compile(r"[-\u2010-\u2015\u2212]{1,2}[A-Za-z]")
"""What argparse takes for the next flag; a slip of the keyboard makes a dash longer."""
_DASHES = re.compile(r"\A[-\u2010-\u2015\u2212]{1,2}(?=[A-Za-z])")
_ENDINGS = tuple(flag.removeprefix("-") for flag in SECRET_FLAGS)
_PARTS = ("api", "key", "hf", "tok", "pass")
_NAMED = re.compile(
    r"""(?:\A|(?<=[\s=]))["']?(?P<dashes>[-\u2010-\u2015\u2212]*)(?P<name>[A-Za-z][\w-]*)["']?"""
    r"(?P<gap>\s*[=:]\s*|\s+)"
)
"""A name and what parts it from its value, wherever it stands in an item."""
_RUN_TOGETHER = tuple(flag.replace("-", "") for flag in SECRET_FLAGS)
_SHORTEST = 7
"""`--api-k` and `--hf-tok` are the shortest beginnings that vLLM takes for these flags."""
_SCRIPT = re.compile(r"\n|(?:\A|[\s/;&|])(?:vllm|python[\d.]*|exec|export|env)\s")
"""A text of several words that a shell reads."""
_UNSURE = ("--ssl-keyfile",)
"""The beginning of a secret flag that is a flag of its own."""


def is_secret_flag(text: str) -> bool:
    """Whether `text` is such a flag, or one whose name says so (`core.names`): with underscores, shortened as
    argparse allows, or nearly so written.

    A slip in the flag's name makes its value no less of a secret.
    """
    name = text.replace("_", "-").lower()
    if len(name) < _SHORTEST or not name.startswith("-") or not any(part in name for part in _PARTS):
        return name.startswith("-") and kind_of(name) is Kind.SURE
    if name in _UNSURE or _UNSURE[0].startswith(name):
        return False
    return any(flag.startswith(name) for flag in SECRET_FLAGS) or _nearly(name) or kind_of(name) is Kind.SURE


@lru_cache(maxsize=1024)
def _nearly(name: str) -> bool:
    bare = re.sub(r"^-+(?:no-)?", "--", name[:80])
    return (
        bool(difflib.get_close_matches(bare, SECRET_FLAGS, 1, 0.8)) or bare.replace("-", "") in _RUN_TOGETHER
    )


def is_reference(value: str) -> bool:
    """Whether a value only names an environment variable."""
    return bool(_REFERENCE.match(value))


def masked_arguments(args: tuple[str, ...]) -> tuple[str, ...]:
    """The arguments with a mask for every secret, also where it is an item of its own.

    What is masked is taught to the process: a server may repeat it where nothing gives it away.
    """
    out: list[str] = []
    follows = Kind.NONE
    for item in args:
        if _FLAG.match(item):
            out.append(_item(item))
            follows = _kind_behind(item)
        elif follows is Kind.SURE:
            out.append(item if is_reference(item) else masked_value(item))
        else:
            out.append(masked_value(item) if is_secret_value(follows, item) else _item(item))
            follows = Kind.NONE
    return tuple(out)


def script_masks(text: str, *, sure: bool = False) -> list[Edit] | None:
    """Masks for the words of a script that are secrets, as edits of it; None for what is no script.

    `sure` says that it is one, whatever it looks like.

    What follows such a word in the script stays, so that a change there can be seen.
    """
    if not sure and not _SCRIPT.search(text.strip()):
        return None
    from modelcar_tui.manifest.kinds.shell import ShellSyntaxError, tokens

    edits: list[Edit] = []
    command: list[Word] = []
    try:
        found = tokens(text)
    except ShellSyntaxError:
        return None
    for token in found:
        if token.word is not None:
            command += token.word.items or (token.word,)
        else:
            edits += _masked_words(command)
            command = []
    return edits + _masked_words(command)


def masked_line(text: str) -> str:
    """A command line with a mask for every word that is a secret, and as many lines as before."""
    edits = script_masks(text, sure=True)
    if edits is None:
        return _slip(text)
    return splice(
        text, [edit._replace(new=edit.new + "\n" * text.count("\n", edit.start, edit.end)) for edit in edits]
    )


def _masked_words(command: list[Word]) -> list[Edit]:
    texts = tuple(_with_references(word) for word in command)
    shown = zip(command, texts, masked_arguments(texts), strict=True)
    return [Edit(word.start, word.end, new) for word, old, new in shown if new != old]


def _with_references(word: Word) -> str:
    """A word in which a shell's variable without a default is a reference as Kubernetes writes it."""
    return "".join(
        f"$({piece.name})" if piece.name and piece.default is None else piece.text for piece in word.pieces
    )


def _kind_behind(item: str) -> Kind:
    """How sure it is that what follows an item is a secret, up to the next flag."""
    name = _DASHES.sub("--", item)
    if "=" in name or any(map(str.isspace, name)):
        return Kind.NONE
    return Kind.SURE if is_secret_flag(name) else kind_of(name)


def masked_value(value: str) -> str:
    """The mask of a secret, which is taught to the process."""
    if unlike_ordinary(value) and not is_mask(value):
        teach(value)
    return mask_of(value)


def _item(item: str) -> str:
    words = script_masks(item)
    if words is not None:
        return masked_by_shape(splice(item, words))
    match = re.match(r"([^=\s]+)(=|\s+)(.*)\Z", item, re.DOTALL)
    if match is None or not is_secret_flag(match[1]):
        return masked_by_shape(_slip(item))
    return item if is_reference(match[3]) else f"{match[1]}{match[2]}{masked_value(match[3])}"


def _slip(item: str) -> str:
    """An item in which such a flag stands by mistake: behind another one, in quotes, without its dashes.

    An object is left as it is: its keys are no flags, and it would be none any more.
    """
    text = item.lower()
    if "{" in item or not any(part in text for part in _PARTS):
        return item
    for found in _NAMED.finditer(item):
        if _names_secret(found) and not is_reference(item[found.end() :]):
            return item[: found.end()] + masked_value(item[found.end() :])
    return item


def _names_secret(found: re.Match[str]) -> bool:
    """Whether it is such a flag, or a variable of that name that is given its value."""
    name = found["name"].replace("_", "-").lower()
    told = bool(found["dashes"]) or not found["gap"].isspace()
    return told and (is_secret_flag(f"--{name}") or name.endswith(_ENDINGS))
