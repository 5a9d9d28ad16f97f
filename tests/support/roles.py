"""docs/rbac.yaml taken apart, and which right a request takes."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import yaml

MANIFEST = Path(__file__).parents[2] / "docs" / "rbac.yaml"
MODELS = "default"
"""Where models are served on the cluster of `everything`."""
_PATH = re.compile(
    r"/(?:api/v1|apis/(?P<group>[^/]+)/[^/]+)(?:/namespaces/[^/]+(?=/))?"
    r"/(?P<kind>[^/]+)(?:/(?P<name>[^/]+)(?:/(?P<part>[^/]+))?)?"
)
_OF_ALL = re.compile(r"authentication\.k8s\.io|authorization\.k8s\.io|user\.openshift\.io")
"""What whoever is logged in may ask about himself."""
_VERBS = {"POST": "create", "PATCH": "patch", "DELETE": "delete"}


class Granted(NamedTuple):
    """One verb on one resource of one role."""

    role: str
    bind: str
    """`cluster`, or the namespace in which the role is bound; `NAMESPACE` for that of the models."""
    group: str
    resource: str
    verb: str
    names: tuple[str, ...] = ()

    @property
    def full(self) -> str:
        return f"{self.resource}.{self.group}" if self.group else self.resource

    @property
    def namespace(self) -> str:
        """Where it counts on the cluster of `everything`; empty for everywhere."""
        return {"cluster": "", "NAMESPACE": MODELS}.get(self.bind, self.bind)

    @property
    def rule(self) -> dict[str, list[str]]:
        """As RBAC has it."""
        rule = {"apiGroups": [self.group], "resources": [self.resource], "verbs": [self.verb]}
        return {**rule, "resourceNames": list(self.names)} if self.names else rule

    @property
    def id(self) -> str:
        return f"{self.role.removeprefix('modelcar-')}:{self.verb}-{self.full}"


@functools.cache
def granted() -> tuple[Granted, ...]:
    """All that the manifest grants."""
    return tuple(
        Granted(
            role["metadata"]["name"],
            role["metadata"]["annotations"]["modelcar-tui/bind"],
            group,
            resource,
            verb,
            tuple(rule.get("resourceNames", ())),
        )
        for role in yaml.safe_load_all(MANIFEST.read_text())
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    )


def rules_of(role: str, *but: str) -> list[dict[str, list[str]]]:
    """The rules of a role as the manifest has them, without those of some resources."""
    roles = {one["metadata"]["name"]: one["rules"] for one in yaml.safe_load_all(MANIFEST.read_text())}
    return [rule for rule in roles[f"modelcar-{role}"] if not set(rule["resources"]) & set(but)]


@functools.cache
def of(*roles: str) -> frozenset[tuple[str, str]]:
    """Resource and verb of each right of the roles."""
    wanted = {f"modelcar-{role}" for role in roles}
    assert wanted <= {one.role for one in granted()}
    return frozenset((one.full, one.verb) for one in granted() if one.role in wanted)


def needed(request: str) -> tuple[str, str] | None:
    """Resource and verb of a request (`GET /path?query`); None where everybody may ask."""
    method, _, target = request.partition(" ")
    path, _, query = target.partition("?")
    one = _PATH.fullmatch(path)
    if one is None or _OF_ALL.fullmatch(one["group"] or ""):
        return None
    kind = "/".join(part for part in (one["kind"], one["part"]) if part)
    reads = "get" if one["name"] else "watch" if "watch=" in query else "list"
    return f"{kind}.{one['group']}" if one["group"] else kind, _VERBS.get(method, reads)


def bound(*roles: str, namespace: str) -> tuple[tuple[str, str, str], ...]:
    """Resource, namespace (`*` for all) and verb of each right, bound where the manifest says."""
    wanted = {f"modelcar-{role}" for role in roles}
    places = {"cluster": "*", "NAMESPACE": namespace}
    return tuple(
        (one.full, places.get(one.bind, one.bind), one.verb) for one in granted() if one.role in wanted
    )


def beyond(request: str, *roles: str) -> tuple[str, str] | None:
    """The right that a request takes and that none of the roles grants."""
    right = needed(request)
    return None if right in of(*roles) else right


def used(requests: Iterable[str]) -> set[tuple[str, str]]:
    """Of requests, what they take."""
    return {right for one in requests if (right := needed(one)) is not None}
