"""What the API server of a release of OpenShift AI would refuse, or drop, of one of KServe's objects.

Its webhooks are not asked: they are KServe's code on the cluster (`dry_run` asks them).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modelcar_tui.core.errors import Problem
from modelcar_tui.core.text import clean
from modelcar_tui.kserve.schemas import KSERVE_RELEASES, Schema, kept, schema_of, served
from modelcar_tui.kserve.settle import Settled, UnfitError, plain, step

GROUP = "serving.kserve.io"
MOST = 100
"""So many problems are told, and how many more there are."""


def validate(obj: Mapping[str, Any], release: str | None = None) -> tuple[Problem, ...]:
    """What an API server with that release's CRDs would refuse of an object, in the order of its fields.

    `where` is the field: `spec.predictor.model.args[0]`. Codes: `field-unknown` (dropped, not refused),
    `field-missing`, `type-wrong`, `value-not-allowed`, `value-malformed`, `value-out-of-range`,
    `value-twice`, `value-refused`, `rule-broken` (CEL), `rule-unchecked` (CEL that nobody here evaluates: it
    may hold), `kind-unknown`, `kind-unserved`, `too-large`, `more`.

    Args:
        obj: as YAML or JSON give it. It is not changed; `status` is not looked at, since a server drops it.
        release: one of `KSERVE_RELEASES`; the newest for None.

    Raises:
        UserError: no schemas are kept for that release.
    """
    release = release or KSERVE_RELEASES[-1]
    kind, version, wrong = _named(obj, release)
    schema = schema_of(kind, version, release) if wrong is None else None
    if wrong is not None or schema is None:
        return (wrong,) if wrong is not None else ()
    try:
        value = plain({key: inner for key, inner in obj.items() if key != "status"})
    except UnfitError as error:
        return (error.problem,)
    found = _of_value(value, schema, kind, release)
    if len(found) > MOST:
        more = Problem(what=f"{len(found) - MOST:,} more in this object", code="more")
        return (*found[:MOST], more)
    return tuple(found)


def _named(obj: Mapping[str, Any], release: str) -> tuple[str, str, Problem | None]:
    """Kind and version of an object, or what is wrong with them."""
    kind, api = obj.get("kind"), obj.get("apiVersion")
    for name, value in (("apiVersion", api), ("kind", kind)):
        if not isinstance(value, str) or not value:
            code = "field-missing" if value is None else "type-wrong"
            return "", "", Problem(where=name, what="must name the kind of the object", code=code)
    group, _, version = str(api).rpartition("/")
    told = clean(f"{api} {kind}", limit=120)
    if group != GROUP or kind not in kept().kinds:
        known = ", ".join(sorted(kept().kinds))
        what = f"no schema of {told} is kept"
        fix = f"kinds that can be checked: {known} ({GROUP})"
        return "", "", Problem(where="kind", what=what, fix=fix, code="kind-unknown")
    versions = served(str(kind), release)
    if version not in versions:
        offered = ", ".join(f"{GROUP}/{one}" for one in versions)
        what = f"OpenShift AI {release} serves no {told}"
        fix = f"write apiVersion: {offered}" if offered else _first(str(kind))
        return "", "", Problem(where="apiVersion", what=what, fix=fix, code="kind-unserved")
    return str(kind), version, None


def _first(kind: str) -> str:
    having = [one for one in KSERVE_RELEASES if served(kind, one)]
    return f"the first that does: {having[0]}" if having else ""


def _of_value(value: dict[str, Any], schema: Schema, kind: str, release: str) -> list[Problem]:
    from modelcar_tui.kserve.cel import broken
    from modelcar_tui.kserve.metadata import OBJECT_META, names
    from modelcar_tui.kserve.structure import faults

    whole = {**schema, "properties": {**schema["properties"], "metadata": OBJECT_META}}
    settled = Settled(f"{kind} in OpenShift AI {release}")
    made = settled.settle(value, whole, "")
    wrong = faults(made, whole, "")
    if not any(one.where.startswith("metadata") for one in wrong):
        wrong += names(made.get("metadata") or {}, kept().kinds[kind].scope)
    if not wrong:
        wrong = list(broken(made, schema, ""))
    return sorted([*settled.problems, *wrong], key=lambda one: _place(one, value))


def _place(problem: Problem, value: dict[str, Any]) -> tuple[int, str]:
    """In the order of the object's own fields, then of the alphabet."""
    order = {step("", key): at for at, key in enumerate(value)}
    first = problem.where.partition(".")[0].partition("[")[0]
    return order.get(first, len(order)), problem.where
