"""What a cluster says of an object that it is only shown (`dryRun=All`): schemas, webhooks, quotas."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from modelcar_tui.core.errors import Problem
from modelcar_tui.core.text import clean
from modelcar_tui.kserve.settle import UnfitError, plain
from modelcar_tui.kube import Client, ClusterError

_API = re.compile(r"([a-z0-9][-a-z0-9.]*/)?v[a-z0-9]+", re.ASCII)
_UNKNOWN = re.compile(r'(unknown|duplicate) field "([^"]{1,300})"')
_OF_RIGHTS = re.compile(r" cannot (create|patch|get) resource ")
_REFUSALS = (400, 403, 404, 409, 413, 422)
"""Statuses by which a server speaks of the object, and not of itself or of us."""


async def dry_run(
    client: Client, obj: Mapping[str, Any], *, namespace: str = "default"
) -> tuple[Problem, ...]:
    """What the server would refuse of an object, made or changed; nothing is stored.

    An object that is there already is tried as a merge patch. Codes: `server-refused` in the server's own
    words (`where` is the field, where it names one), `field-unknown`, `value-twice`, `kind-unserved`, and
    `type-wrong`, `field-missing`, `too-large` for what can't be sent.

    Args:
        client: of the cluster, with the rights to create and patch objects of the kind.
        obj: of any kind that the cluster serves.
        namespace: where the object names none.

    Raises:
        ClusterError: the server can't be asked, or does not let us try.
    """
    try:
        value = plain(obj)
    except UnfitError as error:
        return (error.problem,)
    wrong = _unnamed(value)
    if wrong is not None:
        return (wrong,)
    place = await _place(client, value, namespace)
    return (place,) if isinstance(place, Problem) else await _asked(client, place, value)


def _unnamed(value: dict[str, Any]) -> Problem | None:
    """What keeps an object from being asked about at all."""
    meta = value.get("metadata")
    kind, api = value.get("kind"), value.get("apiVersion")
    if not isinstance(api, str) or not _API.fullmatch(api):
        return Problem(where="apiVersion", what="must be version or group/version", code="type-wrong")
    if not isinstance(kind, str) or not kind:
        return Problem(where="kind", what="must name the kind of the object", code="type-wrong")
    if not isinstance(meta, dict):
        return Problem(where="metadata", what="must be a map of fields", code="type-wrong")
    if not any(isinstance(meta.get(key), str) and meta[key] for key in ("name", "generateName")):
        return Problem(where="metadata.name", what="is missing", fix="add it", code="field-missing")
    if not isinstance(meta.get("namespace", ""), str):
        return Problem(where="metadata.namespace", what="must be text", code="type-wrong")
    return None


async def _place(client: Client, value: dict[str, Any], namespace: str) -> str | Problem:
    """The path below which objects of its kind stand, by the server's discovery."""
    api, kind = value["apiVersion"], value["kind"]
    base = f"/apis/{api}" if "/" in api else f"/api/{api}"
    found = await client.find(base) or {}
    resources = found.get("resources")
    for one in resources if isinstance(resources, list) else ():
        if not isinstance(one, dict) or one.get("kind") != kind or "/" in str(one.get("name")):
            continue
        if not one.get("namespaced"):
            return f"{base}/{quote(str(one['name']), safe='')}"
        where = value["metadata"].get("namespace") or namespace
        return f"{base}/namespaces/{quote(where, safe='')}/{quote(str(one['name']), safe='')}"
    what = f"the cluster serves no {clean(api, limit=100)} {clean(kind, limit=100)}"
    fix = "write a version that it serves: oc api-resources"
    return Problem(where="apiVersion", what=what, fix=fix, code="kind-unserved")


async def _asked(client: Client, path: str, value: dict[str, Any]) -> tuple[Problem, ...]:
    """The server's answers: first with unknown fields as errors, then without, for what else it says."""
    told: list[Problem] = []
    for validation in ("Strict", "Ignore"):
        error = await _refusal(client, path, value, validation)
        if error is None:
            break
        unknown = _strict(error)
        if not unknown:
            told += _words(error)
            break
        told += unknown
    return tuple(told)


async def _refusal(client: Client, path: str, value: dict[str, Any], validation: str) -> ClusterError | None:
    """Why the server does not take the object; None where it does."""
    name = value["metadata"].get("name")
    try:
        try:
            await client.rehearse("POST", path, value, fieldValidation=validation)
        except ClusterError as error:
            if error.status != 409 or not name:
                raise
            await client.rehearse(
                "PATCH", f"{path}/{quote(name, safe='')}", value, fieldValidation=validation
            )
    except ClusterError as error:
        if error.status not in _REFUSALS or (error.forbidden and _OF_RIGHTS.search(error.problem.what)):
            raise
        return error
    return None


def _strict(error: ClusterError) -> list[Problem]:
    """The fields that a strict server does not know, or finds twice."""
    if error.status != 400 or "strict decoding error" not in error.message:
        return []
    return [
        Problem(
            where=clean(field),
            what="stands there twice"
            if how == "duplicate"
            else "no field that the server knows: it would drop it",
            code="value-twice" if how == "duplicate" else "field-unknown",
        )
        for how, field in _UNKNOWN.findall(error.message)
    ]


def _words(error: ClusterError) -> list[Problem]:
    if error.causes:
        return [Problem(where=one.field, what=one.message, code="server-refused") for one in error.causes]
    what = error.message or error.problem.what
    return [Problem(what=f"the server refuses it: {what}", code="server-refused")]
