"""Secrets that a manifest holds in clear text: shown, journalled and sent nowhere.

The edit of the file works on its bytes and needs no value of a secret, so none is kept in what is read of it.
"""

from __future__ import annotations

import difflib
import re
from functools import lru_cache

from modelcar_tui.manifest.spans import ManifestSyntaxError, Scalar, Sequence, compose, deref, walk

SECRET_FLAGS = ("--api-key", "--hf-token")
"""Their values are shown nowhere: not in findings, not in changes, not in a diff."""
MASK = "***"
_REFERENCE = re.compile(r"\$\([A-Za-z_][\w.-]*\)\Z")
"""`$(NAME)`: Kubernetes puts an environment variable there, so the text itself tells nothing."""
_ENDINGS = tuple(flag.removeprefix("-") for flag in SECRET_FLAGS)
_PARTS = ("api", "key", "hf", "tok")
_NAMED = re.compile(
    r"""(?:\A|(?<=[\s=]))["']?(?P<dashes>[-\u2010-\u2015\u2212]*)(?P<name>[A-Za-z][\w-]*)["']?"""
    r"(?P<gap>\s*[=:]\s*|\s+)"
)
"""A name and what parts it from its value, wherever it stands in an item."""
_RUN_TOGETHER = tuple(flag.replace("-", "") for flag in SECRET_FLAGS)
_SHORTEST = 7
"""`--api-k` and `--hf-tok` are the shortest beginnings that vLLM takes for these flags."""


def is_secret_flag(text: str) -> bool:
    """Whether `text` is such a flag: with underscores, shortened as argparse allows, or nearly so written.

    A slip in the flag's name makes its value no less of a secret.
    """
    name = text.replace("_", "-").lower()
    if len(name) < _SHORTEST or not name.startswith("-") or not any(part in name for part in _PARTS):
        return False
    return any(flag.startswith(name) for flag in SECRET_FLAGS) or _nearly(name)


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
    """The arguments with `***` for every secret, also where it is an item of its own."""
    out: list[str] = []
    follows = False
    for item in args:
        if follows and not item.startswith("--"):
            out.append(item if is_reference(item) else MASK)
        else:
            out.append(_item(item))
        follows = is_secret_flag(item) or (follows and not item.startswith("--"))
    return tuple(out)


def masked_text(text: str) -> str:
    """A manifest's text with `***` for every secret, with as many lines as before.

    A text that can't be read as YAML is given back as it is: nothing of such a file is shown but its faults.
    """
    try:
        tree = compose(text)
    except ManifestSyntaxError:
        return text
    edits: dict[tuple[int, int], str] = {}
    for node in walk(tree.root):
        if isinstance(node, Sequence):
            scalars = [item for item in map(deref, node.items) if isinstance(item, Scalar)]
            for item, shown in zip(scalars, masked_arguments(tuple(s.value for s in scalars)), strict=True):
                if shown != item.value:
                    edits[item.start, item.end] = shown
    for (start, end), shown in sorted(edits.items(), reverse=True):
        lines = text[start:end].count("\n")
        text = text[:start] + shown + "\n" * lines + text[end:]
    return text


def _item(item: str) -> str:
    match = re.match(r"([^=\s]+)(=|\s+)(.*)\Z", item, re.DOTALL)
    if match is None or not is_secret_flag(match[1]):
        return _slip(item)
    return item if is_reference(match[3]) else f"{match[1]}{match[2]}{MASK}"


def _slip(item: str) -> str:
    """An item in which such a flag stands by mistake: behind another one, in quotes, without its dashes.

    An object is left as it is: its keys are no flags, and it would be none any more.
    """
    text = item.lower()
    if "{" in item or not any(part in text for part in _PARTS):
        return item
    for found in _NAMED.finditer(item):
        if _names_secret(found) and not is_reference(item[found.end() :]):
            return item[: found.end()] + MASK
    return item


def _names_secret(found: re.Match[str]) -> bool:
    """Whether it is such a flag, or a variable of that name that is given its value."""
    name = found["name"].replace("_", "-").lower()
    told = bool(found["dashes"]) or not found["gap"].isspace()
    return told and (is_secret_flag(f"--{name}") or name.endswith(_ENDINGS))
