"""One manifest written in other ways that mean the same, as editors, Windows and `oc get` write it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import yaml

from published.proofs import objects_of

Variant = Callable[[bytes], bytes | None]
"""Gives the same objects in other words; None where it can't be done."""


def windows(data: bytes) -> bytes:
    """Every line ends with CR LF."""
    return data.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def marked(data: bytes) -> bytes:
    """A byte order mark stands before it."""
    return b"\xef\xbb\xbf" + data


def unended(data: bytes) -> bytes:
    """The last line has no end."""
    return data.rstrip(b"\r\n")


def commented(data: bytes) -> bytes:
    """Documents are marked twice, and comments stand around them."""
    return b"# before\n---\n" + data + b"\n---\n# behind\n"


def dumped(data: bytes) -> bytes | None:
    """As a program writes YAML: keys in order, long texts folded."""
    objects = _objects(data)
    if objects is None:
        return None
    return yaml.dump_all(objects, Dumper=_Plain, width=72).encode()


def listed(data: bytes) -> bytes | None:
    """As `oc get -o json`: one list of all."""
    objects = _objects(data)
    if objects is None:
        return None
    try:
        return json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}, indent=4).encode()
    except TypeError:
        return None


class _Plain(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True


def _objects(data: bytes) -> list[Any] | None:
    try:
        found = objects_of(data)
    except yaml.YAMLError:
        return None
    odd = b"{{" in data and None in found
    return None if odd else [one for one in found if isinstance(one, dict) and "kind" in one]


VARIANTS: dict[str, Variant] = {
    one.__name__: one for one in (windows, marked, unended, commented, dumped, listed)
}
