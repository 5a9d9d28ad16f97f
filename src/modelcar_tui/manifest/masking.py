"""Secrets that a manifest holds in clear text: shown, journalled and sent nowhere.

The edit of the file works on its bytes and needs no value of a secret, so none is kept in what is read of it.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from functools import lru_cache

from modelcar_tui.core.masking import masked_by_shape
from modelcar_tui.core.names import Kind, kind_of
from modelcar_tui.core.numbers import is_mask, mask_of
from modelcar_tui.core.secrets import teach
from modelcar_tui.core.shapes import is_secret_value, mask_value, unlike_ordinary
from modelcar_tui.manifest.kinds.lines import is_serve_line
from modelcar_tui.manifest.kinds.shell import ShellSyntaxError, tokens
from modelcar_tui.manifest.spans import (
    ManifestSyntaxError,
    Mapping,
    Node,
    Scalar,
    Sequence,
    compose_all,
    deref,
    walk,
)

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
            out.append(item if is_reference(item) else _mask(item))
        else:
            out.append(_mask(item) if is_secret_value(follows, item) else _item(item))
            follows = Kind.NONE
    return tuple(out)


def _kind_behind(item: str) -> Kind:
    """How sure it is that what follows an item is a secret, up to the next flag."""
    name = _DASHES.sub("--", item)
    if "=" in name or any(map(str.isspace, name)):
        return Kind.NONE
    return Kind.SURE if is_secret_flag(name) else kind_of(name)


def masked_text(text: str) -> str:
    """A manifest's text with a mask for every secret, with as many lines as before; comments included.

    In a text that can't be read as YAML only shapes are masked: nothing of such a file is shown but its
    faults.
    """
    if is_serve_line(text):
        return masked_by_shape(_masked_words(text))
    try:
        tree = compose_all(text)
    except ManifestSyntaxError:
        return masked_by_shape(text)
    edits: dict[tuple[int, int], str] = {}
    nodes = (node for root in tree.roots for node in walk(root))
    for node in nodes:
        for item, shown in _shown(node):
            if shown != item.value:
                edits[item.start, item.end] = shown
    for (start, end), shown in sorted(edits.items(), reverse=True):
        lines = text[start:end].count("\n")
        text = text[:start] + shown + "\n" * lines + text[end:]
    return masked_by_shape(text)


def _masked_words(text: str) -> str:
    """A command line with a mask for every word that is a secret, or gives one to a variable."""
    try:
        words = [token.word for token in tokens(text) if token.word is not None]
    except ShellSyntaxError:
        return _slip(text)
    shown = masked_arguments(tuple(word.text for word in words))
    for word, mask in reversed(list(zip(words, shown, strict=True))):
        if mask != word.text:
            lines = text[word.start : word.end].count("\n")
            text = text[: word.start] + mask + "\n" * lines + text[word.end :]
    return text


def _shown(node: Node) -> Iterator[tuple[Scalar, str]]:
    """The scalars of a list or a mapping with what is shown of them."""
    if isinstance(node, Sequence):
        scalars = [item for item in map(deref, node.items) if isinstance(item, Scalar)]
        yield from zip(scalars, masked_arguments(tuple(item.value for item in scalars)), strict=True)
    elif isinstance(node, Mapping):
        named = _named_value(node)
        if named is not None:
            yield named
        for key, value in node.pairs:
            target = deref(value)
            if isinstance(target, Scalar):
                yield target, mask_value(key.value, target.value)
            elif kind_of(key.value) is Kind.SURE:
                texts = (item for item in walk(target) if isinstance(item, Scalar))
                yield from ((item, mask_value(key.value, item.value)) for item in texts)


def _named_value(node: Mapping) -> tuple[Scalar, str] | None:
    """The value of a variable (`name: HF_TOKEN`, `value: ...`) with what is shown of it."""
    told = {key.value: target for key, value in node.pairs if isinstance(target := deref(value), Scalar)}
    if "name" not in told or "value" not in told:
        return None
    return told["value"], mask_value(told["name"].value, told["value"].value)


def _mask(value: str) -> str:
    if unlike_ordinary(value) and not is_mask(value):
        teach(value)
    return mask_of(value)


def _item(item: str) -> str:
    match = re.match(r"([^=\s]+)(=|\s+)(.*)\Z", item, re.DOTALL)
    if match is None or not is_secret_flag(match[1]):
        return masked_by_shape(_slip(item))
    return item if is_reference(match[3]) else f"{match[1]}{match[2]}{_mask(match[3])}"


def _slip(item: str) -> str:
    """An item in which such a flag stands by mistake: behind another one, in quotes, without its dashes.

    An object is left as it is: its keys are no flags, and it would be none any more.
    """
    text = item.lower()
    if "{" in item or not any(part in text for part in _PARTS):
        return item
    for found in _NAMED.finditer(item):
        if _names_secret(found) and not is_reference(item[found.end() :]):
            return item[: found.end()] + _mask(item[found.end() :])
    return item


def _names_secret(found: re.Match[str]) -> bool:
    """Whether it is such a flag, or a variable of that name that is given its value."""
    name = found["name"].replace("_", "-").lower()
    told = bool(found["dashes"]) or not found["gap"].isspace()
    return told and (is_secret_flag(f"--{name}") or name.endswith(_ENDINGS))
