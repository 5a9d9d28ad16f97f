"""From the text of a pull secret to the objects in it: auth files, entries, Kubernetes Secrets, lists."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

SECRET_KEYS = (".dockerconfigjson", ".dockercfg", "config.json")
"""Under which a Kubernetes Secret keeps an auth file."""
_YAML_DEPTH = 20
_IN_YAML = re.compile(
    r"""^[ -]*["']?(?:kind["']?:\s*["']?Secret["']?|auths["']?:)\s*(?:#.*)?$""", re.MULTILINE
)
_ASSIGNED = re.compile(r"^(?:export\s+)?OCI_REGISTRY_PULL_SECRET\s*=\s*")


def bared(text: str) -> str:
    """The text without an editor's byte order mark, the variable's name, blanks, and one pair of quotes."""
    text = _ASSIGNED.sub("", text.strip().removeprefix("\ufeff").strip())
    if len(text) < 3 or text[0] != text[-1] or text[0] not in "'\"":
        return text
    if text[0] == '"' and "\\" in text:
        try:
            return str(json.loads(text)).strip()
        except ValueError:
            pass
    return text[1:-1].strip()


def is_yaml(text: str) -> bool:
    """Whether a text looks like a Secret or an auth file in YAML."""
    return _IN_YAML.search(text) is not None


def from_yaml(text: str) -> list[Any]:
    """The documents of a text in YAML.

    Raises:
        ValueError: it is none, has aliases, or is nested deeply.
    """
    import yaml

    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    depth = 0
    try:
        for event in yaml.parse(text, Loader=loader):
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if isinstance(event, yaml.AliasEvent) or depth > _YAML_DEPTH:
                raise ValueError("no plain document")
        return list(yaml.load_all(text, Loader=loader))
    except (yaml.YAMLError, RecursionError) as error:
        raise ValueError("not YAML") from error


def whole(data: Any) -> list[dict[str, Any]]:
    """The auth files and Secrets among some objects: in a list, a Kubernetes List, documents of YAML."""
    return [one for one in _flat(data) if _is_whole(one)]


def holds_logins(one: dict[str, Any]) -> bool:
    """Whether an object is a Secret, or the `data` of one alone."""
    return one.get("kind") == "Secret" or any(isinstance(one.get(key), str) for key in SECRET_KEYS)


def fits(pattern: str, place: str) -> bool:
    """Whether a key with `*` is for `host` or `host/namespace`, as the kubelet reads it: label by label."""
    labels, _, path = pattern.partition("/")
    names, _, rest = place.partition("/")
    pairs = tuple(zip(names.split("."), labels.split("."), strict=False))
    same = names.count(".") == labels.count(".") and all(fnmatchcase(name, label) for name, label in pairs)
    return same and (not path or f"{rest}/".startswith(f"{path}/"))


def _is_whole(one: Any) -> bool:
    return isinstance(one, dict) and (isinstance(one.get("auths"), dict) or holds_logins(one))


def _flat(data: Any) -> Iterator[Any]:
    for one in data if isinstance(data, list) else [data]:
        items = one.get("items") if isinstance(one, dict) else None
        yield from items if isinstance(items, list) else [one]
