"""What the stub cluster holds, and LIST as an API server answers it: pages of one snapshot, selectors,
410."""

from __future__ import annotations

import base64
import json
import re
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

Object = dict[str, Any]
_CORE = re.compile(r"/api/v1(?:/namespaces/(?P<ns>[^/]+))?(?:/(?P<plural>[^/]+)(?:/(?P<name>[^/]+))?)?")
_GROUP = re.compile(
    r"/apis/(?P<group>[^/]+)/(?P<version>[^/]+)(?:/namespaces/(?P<ns>[^/]+))?(?:/(?P<plural>[^/]+)(?:/(?P<name>[^/]+))?)?"
)
Term = tuple[str, str, str]
"""A selector's requirement: name, operator, value (of `in` and `notin` several, by commas)."""
_FIELDS = ("metadata.name", "metadata.namespace", "spec.nodeName", "spec.unschedulable", "status.phase")


@dataclass(frozen=True)
class Kind:
    """A resource type that discovery tells of."""

    group: str
    version: str
    plural: str
    kind: str
    namespaced: bool = True
    short: tuple[str, ...] = ()

    @property
    def api(self) -> str:
        """`v1` or `group/version`."""
        return f"{self.group}/{self.version}" if self.group else self.version


class Target(NamedTuple):
    """What a path names: objects of one type in one place; without a name a list, without a type an API."""

    ns: str
    plural: str
    name: str
    group: str = ""
    version: str = "v1"

    @classmethod
    def of(cls, path: str) -> Target | None:
        """None for a path of another form."""
        match = _CORE.fullmatch(path) or _GROUP.fullmatch(path)
        if match is None:
            return None
        at = cls(**{key: value or "" for key, value in match.groupdict().items()})
        # A path that ends with a namespace names the namespace itself.
        return at if at.plural or not at.ns else at._replace(plural="namespaces", name=at.ns, ns="")

    @property
    def api(self) -> str:
        """`v1` or `group/version`."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def verb(self) -> str:
        return "get" if self.name else "list"

    @property
    def full(self) -> str:
        """`pods`, or `jobs.batch`."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def details(self) -> dict[str, str]:
        """As a Status tells them."""
        return {"name": self.name, "group": self.group, "kind": self.plural}


@dataclass(frozen=True)
class Item:
    """An object with what selectors ask for, and its bytes as a list shows them (no kind, no apiVersion)."""

    name: str
    namespace: str
    labels: Mapping[str, str]
    fields: Mapping[str, str]
    body: bytes
    kind: Kind

    def whole(self) -> bytes:
        """The object as GET answers it."""
        head = json.dumps({"kind": self.kind.kind, "apiVersion": self.kind.api})[:-1]
        return head.encode() + b"," + self.body[1:]

    def meets(self, fields: Iterable[Term], labels: Iterable[Term]) -> bool:
        """Whether it has what both selectors require."""
        return all(_matches(self.fields.get(name), *rest) for name, *rest in fields) and all(
            _matches(self.labels.get(name), *rest) for name, *rest in labels
        )


def item(kind: Kind, value: Object) -> Item:
    """An object as the store keeps it."""
    meta = value.get("metadata", {})
    spec, status = value.get("spec") or {}, value.get("status") or {}
    fields = {
        "metadata.name": meta.get("name", ""),
        "metadata.namespace": meta.get("namespace", ""),
        "spec.nodeName": str(spec.get("nodeName") or ""),
        "status.phase": str(status.get("phase") or ""),
        "spec.unschedulable": "true" if spec.get("unschedulable") else "false",
    }
    bare = {key: part for key, part in value.items() if key not in ("kind", "apiVersion")}
    body = json.dumps(bare, separators=(",", ":")).encode()
    return Item(meta.get("name", ""), meta.get("namespace", ""), meta.get("labels") or {}, fields, body, kind)


@dataclass(frozen=True)
class Page:
    """One answer to a LIST."""

    items: list[Item]
    resource_version: str
    token: str = ""
    remaining: int | None = None


class ExpiredError(Exception):
    """410: the snapshot behind a continue token is gone; `token` goes on with a new one, where there is
    one."""

    def __init__(self, token: str = "") -> None:
        super().__init__("expired")
        self.token = token


class BadRequestError(Exception):
    """400."""


@dataclass
class Store:
    """Objects by kind. Lists are replaced whole on a change, so a snapshot is a reference."""

    items: dict[str, list[Item]] = field(default_factory=dict)
    version: int = 1000
    snapshots: dict[int, dict[str, list[Item]]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)
    by_node: dict[str, dict[str, list[Item]]] = field(default_factory=dict)

    def put(self, kind: Kind, values: Iterable[Object]) -> None:
        """Add objects, or replace those of the same name."""
        self.put_items(kind, [item(kind, value) for value in values])

    def put_items(self, kind: Kind, new: list[Item]) -> None:
        """`put` for prepared items."""
        key = f"{kind.group}/{kind.plural}"
        with self.lock:
            names = {(one.namespace, one.name) for one in new}
            kept = [one for one in self.items.get(key, []) if (one.namespace, one.name) not in names]
            self.items[key] = sorted([*kept, *new], key=lambda one: (one.namespace, one.name))
            self._changed(key)

    def delete(self, kind: Kind, name: str, namespace: str = "") -> None:
        """Remove one object."""
        key = f"{kind.group}/{kind.plural}"
        with self.lock:
            old = self.items.get(key, [])
            self.items[key] = [one for one in old if (one.namespace, one.name) != (namespace, name)]
            self._changed(key)

    def _changed(self, key: str) -> None:
        self.version += 1
        nodes: dict[str, list[Item]] = {}
        for one in self.items[key]:
            nodes.setdefault(one.fields["spec.nodeName"], []).append(one)
        self.by_node[key] = nodes

    def get(self, kind: Kind, name: str, namespace: str) -> Item | None:
        """One object."""
        key = f"{kind.group}/{kind.plural}"
        match = (one for one in self.items.get(key, []) if one.name == name and one.namespace == namespace)
        return next(match, None)

    def page(self, kind: Kind, namespace: str, query: Mapping[str, str]) -> Page:
        """LIST.

        Raises:
            ExpiredError: the continue token's snapshot is gone.
            BadRequestError: a token or a selector that is none.
        """
        key = f"{kind.group}/{kind.plural}"
        limit = int(query.get("limit") or 0)
        if query.get("resourceVersion") == "0":
            limit = 0
        start: tuple[str, str] | None = None
        with self.lock:
            version, pool = self.version, self.items.get(key, [])
            if token := query.get("continue"):
                version, start = read_token(token)
                if version == 0:
                    version = self.version
                elif version not in self.snapshots:
                    raise ExpiredError(make_token(0, start) if start else "")
                pool = self.snapshots.get(version, {}).get(key, pool) if version in self.snapshots else pool
            picked = self._select(key, pool, namespace, query, indexed=not token)
            if start is not None:
                picked = [one for one in picked if (one.namespace, one.name) > start]
            if not limit or len(picked) <= limit:
                return Page(picked, str(version))
            self.snapshots.setdefault(version, {}).setdefault(key, pool)
        last = picked[limit - 1]
        selects = query.get("fieldSelector") or query.get("labelSelector")
        return Page(
            picked[:limit],
            str(version),
            make_token(version, (last.namespace, last.name)),
            None if selects else len(picked) - limit,
        )

    def compact(self) -> None:
        """Forget every snapshot: the continue tokens that are out there have expired."""
        with self.lock:
            self.snapshots.clear()
            self.version += 1

    def _select(
        self, key: str, pool: list[Item], namespace: str, query: Mapping[str, str], *, indexed: bool
    ) -> list[Item]:
        fields = _terms(query.get("fieldSelector", ""))
        labels = _terms(query.get("labelSelector", ""))
        node = next((value for name, op, value in fields if (name, op) == ("spec.nodeName", "=")), None)
        if node is not None and indexed:
            pool = self.by_node.get(key, {}).get(node, [])
        if namespace:
            pool = [one for one in pool if one.namespace == namespace]
        if strange := [name for name, _, _ in fields if name not in _FIELDS]:
            raise BadRequestError(f"field label not supported: {strange[0]}")
        return [one for one in pool if one.meets(fields, labels)] if fields or labels else pool


def _terms(selector: str) -> list[Term]:
    terms = []
    for part in (found.strip() for found in re.findall(r"[^,(]+(?:\([^)]*\))?", selector)):
        if among := re.fullmatch(r"(\S+)\s+(in|notin)\s*\(([^)]*)\)", part):
            values = ",".join(value.strip() for value in among[3].split(","))
            terms.append((among[1], among[2], values))
        elif "!=" in part:
            name, value = part.split("!=", 1)
            terms.append((name, "!=", value))
        elif "=" in part:
            name, value = part.replace("==", "=").split("=", 1)
            terms.append((name, "=", value))
        else:
            terms.append((part.removeprefix("!"), "absent" if part.startswith("!") else "present", ""))
    return terms


def _matches(have: str | None, operator: str, value: str) -> bool:
    match operator:
        case "=":
            return have == value
        case "!=":
            return have != value
        case "present":
            return have is not None
        case "in":
            return have is not None and have in value.split(",")
        case "notin":
            return have is None or have not in value.split(",")
        case _:
            return have is None


def make_token(version: int, start: tuple[str, str]) -> str:
    return base64.urlsafe_b64encode(json.dumps({"rv": version, "start": start}).encode()).decode().rstrip("=")


def read_token(token: str) -> tuple[int, tuple[str, str]]:
    try:
        value = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        return int(value["rv"]), (str(value["start"][0]), str(value["start"][1]))
    except (ValueError, KeyError, TypeError, IndexError):
        raise BadRequestError("invalid continue token: continue key is not valid") from None
