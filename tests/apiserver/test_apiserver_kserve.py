"""`validate` says of an object what a real API server says, with the schemas of every release.

CEL rules are taken out of the schemas: a server of this age has none, and refuses schemas that do. Each
schema is a kind of its own here, in a group that bears its digest. RECORD_ANSWERS=1 keeps the answers
as data, against which the unit tests hold `validate` without a server.
"""

from __future__ import annotations

import asyncio
import copy
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from server import ApiServer

sys.path.insert(0, str(Path(__file__).parents[1] / "unit" / "kserve"))

from cluster_support import options
from crd_support import without_rules
from kserve_objects import (
    DIFFERENT,
    Answer,
    agree,
    answers,
    as_answer,
    as_served,
    cases,
    dropped,
    fields,
    keep_answers,
)

from modelcar_tui.core.errors import Problem
from modelcar_tui.kserve import dry_run, validate
from modelcar_tui.kserve.schemas import kept, schema_of
from modelcar_tui.kube import ClusterError, connect, find_credentials

RECORDING = bool(os.environ.get("RECORD_ANSWERS"))
SCHEMAS = {
    digest: (kind, version, one.release)
    for one in kept().releases
    for kind, shipped in one.kinds.items()
    for version, digest in shipped.versions.items()
}
"""Each schema with the newest release that has it."""


def group(digest: str) -> str:
    return f"d{digest}.test"


def definition(digest: str) -> dict[str, Any]:
    kind, version, release = SCHEMAS[digest]
    names = kept().kinds[kind]
    one = {
        "name": version,
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": without_rules(schema_of(kind, version, release))},
        "subresources": {"status": {}},
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{names.plural}.{group(digest)}"},
        "spec": {
            "group": group(digest),
            "scope": names.scope,
            "versions": [one],
            "names": {
                "plural": names.plural,
                "singular": kind.lower(),
                "kind": kind,
                "listKind": f"{kind}List",
            },
        },
    }


def path(digest: str) -> str:
    kind, version, _ = SCHEMAS[digest]
    names = kept().kinds[kind]
    where = "namespaces/default/" if names.scope == "Namespaced" else ""
    return f"/apis/{group(digest)}/{version}/{where}{names.plural}"


@pytest.fixture(scope="module")
def kinds(server: ApiServer) -> ApiServer:
    for digest in SCHEMAS:
        server.post("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", definition(digest))
    deadline = time.monotonic() + 120
    for digest in SCHEMAS:
        while server.api.get(path(digest)).status_code != 200:
            assert time.monotonic() < deadline, f"{path(digest)} did not appear"
            time.sleep(0.05)
    return server


def asked(server: ApiServer, digest: str, value: dict[str, Any]) -> Answer:
    """The server's answer to a dry run."""
    version = SCHEMAS[digest][1]
    body = {**value, "apiVersion": f"{group(digest)}/{version}"}
    answer = server.api.post(path(digest), params={"dryRun": "All"}, json=body)
    told = answer.json()
    if answer.status_code == 201:
        return Answer(True, (), tuple(sorted(dropped(body, told))))
    assert answer.status_code in (400, 422), answer.text[:500]
    causes = (told.get("details") or {}).get("causes") or ()
    return Answer(False, fields(one.get("field", "") for one in causes), ())


@pytest.fixture(scope="module")
def told() -> Iterator[dict[str, dict[str, Answer]]]:
    """What the server said, to be kept when it is recorded."""
    found: dict[str, dict[str, Answer]] = {}
    yield found
    if RECORDING and found.keys() == SCHEMAS.keys():
        keep_answers(found)


@pytest.mark.parametrize("digest", SCHEMAS)
def test_the_same_is_said(kinds: ApiServer, told: dict[str, dict[str, Answer]], digest: str) -> None:
    kind, version, release = SCHEMAS[digest]
    told[digest] = {name: asked(kinds, digest, value) for name, value in cases(kind).items()}
    ours = {
        name: as_answer(validate(as_served(value, version), release)) for name, value in cases(kind).items()
    }
    differing = {name for name, one in ours.items() if not agree(one, told[digest][name])}
    assert differing <= DIFFERENT
    assert RECORDING or told[digest] == answers()[digest]


def test_a_rehearsal_says_what_the_server_says(kinds: ApiServer) -> None:
    """And stores nothing; an object that is there is tried as a change."""
    digest = next(one for one, (kind, *_) in SCHEMAS.items() if kind == "InferenceService")
    objects = {
        name: {**one, "apiVersion": f"{group(digest)}/v1beta1"}
        for name, one in cases("InferenceService").items()
    }
    missing = copy.deepcopy(objects["good"])
    missing["metadata"]["namespace"] = "no-such"
    map_of = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"a": 1}}

    async def ask(kubeconfig: Path) -> list[tuple[Problem, ...]]:
        settings = options(kubeconfig, read_timeout_s=10, request_timeout_s=20)
        async with connect(find_credentials(settings), settings) as client:
            found = [await dry_run(client, objects[name]) for name in ("good", "args-number", "many")]
            found += [await dry_run(client, one) for one in (missing, map_of, {**map_of, "kind": "No"})]
            kinds.post(path(digest), objects["good"])
            return [*found, *[await dry_run(client, objects[name]) for name in ("good", "limit-form")]]

    good, number, many, space, text, unserved, again, form = asyncio.run(ask(kinds.kubeconfig()))
    assert good == () == again
    assert [one.where for one in number] == ["spec.predictor.model.args"]
    assert sorted(one.where for one in many) == ["spec.predictor.minReplicas", "spec.predictor.model.args"]
    assert "no-such" in space[0].what
    assert text[0].code == "server-refused"
    assert unserved[0].code == "kind-unserved"
    assert [one.where for one in form] == ["spec.predictor.model.resources.limits.memory"]
    (kept_one,) = kinds.get(path(digest))["items"]
    assert kept_one["spec"]["predictor"]["model"]["resources"]["limits"]["memory"] == "64Gi"


def test_a_rehearsal_without_rights_is_no_refusal_of_the_object(kinds: ApiServer) -> None:
    digest = next(one for one, (kind, *_) in SCHEMAS.items() if kind == "InferenceService")
    value = {**cases("InferenceService")["good"], "apiVersion": f"{group(digest)}/v1beta1"}

    async def ask(kubeconfig: Path) -> tuple[Problem, ...]:
        settings = options(kubeconfig, read_timeout_s=10, request_timeout_s=20)
        async with connect(find_credentials(settings), settings) as client:
            return await dry_run(client, value)

    with pytest.raises(ClusterError) as caught:
        asyncio.run(ask(kinds.kubeconfig(kinds.account())))
    assert caught.value.forbidden
