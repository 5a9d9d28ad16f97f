"""A real API server takes every object that is rendered, with the schemas of each release, and drops nothing.

CEL rules are taken out of the schemas, as in `test_apiserver_kserve.py`: a server of this age has none.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import pytest
from server import ApiServer

sys.path.insert(0, str(Path(__file__).parents[1] / "unit" / "kserve"))
sys.path.insert(0, str(Path(__file__).parents[1] / "seams"))

from in_out import INPUTS, cluster, turned_out
from kserve_objects import dropped
from test_apiserver_kserve import SCHEMAS, definition, group, path

from modelcar_tui.core.errors import UserError
from modelcar_tui.kserve import KSERVE_RELEASES
from modelcar_tui.kserve.schemas import kept

RENDERED = ("InferenceService", "LLMInferenceService", "ServingRuntime")
TAINTED = cluster("nvidia.com/gpu=l40s:NoSchedule")


@pytest.fixture(scope="module")
def kinds(server: ApiServer) -> ApiServer:
    """The server with the schemas of what is rendered."""
    digests = [digest for digest, (kind, *_) in SCHEMAS.items() if kind in RENDERED]
    for digest in digests:
        server.post("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", definition(digest))
    deadline = time.monotonic() + 120
    for digest in digests:
        while server.api.get(path(digest)).status_code != 200:
            assert time.monotonic() < deadline, f"{path(digest)} did not appear"
            time.sleep(0.05)
    return server


def tried(server: ApiServer, one: dict[str, Any], release: str) -> list[str]:
    """What the server refuses or drops of an object."""
    version = one["apiVersion"].rpartition("/")[2]
    shipped = next(each for each in kept().releases if each.release == release)
    digest = shipped.kinds[one["kind"]].versions[version]
    body = {**one, "apiVersion": f"{group(digest)}/{version}"}
    body["metadata"] = {**one["metadata"], "namespace": "default"}
    answer = server.api.post(path(digest), params={"dryRun": "All"}, json=body)
    if answer.status_code != 201:
        return [answer.json().get("message", answer.text)[:500]]
    return sorted(dropped(body, answer.json()))


@pytest.mark.parametrize("release", KSERVE_RELEASES)
@pytest.mark.parametrize("kind", ["InferenceService", "LLMInferenceService"])
def test_the_server_takes_what_is_rendered_and_drops_nothing(
    kinds: ApiServer, kind: str, release: str
) -> None:
    taken = 0
    for name, text in INPUTS.items():
        try:
            made = turned_out(text, kind, release, TAINTED)
        except UserError:
            continue  # what a kind can't say, or a release does not have: tests/seams/test_seam_in_out.py
        for one in made.objects:
            assert tried(kinds, one, release) == [], (name, one["kind"])
            taken += 1
    assert taken > 10 or (kind == "LLMInferenceService" and release < "2.25")
