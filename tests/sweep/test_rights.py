"""A whole run without a right on which a verdict hangs: it ends by itself, and no model fares better."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from bench import bench

from modelcar_tui.core.exit_codes import ExitStatus
from support.rbac import looks, stub_user

DECIDE = ("nodes", "templates", "resourcequotas")
"""What each call of a run costs that is refused is swept beside; these are missing for the whole of it."""


@pytest.mark.parametrize("kind", DECIDE)
def test_a_right_that_is_missing_makes_no_verdict_better(kind: str) -> None:
    lacking = [one for one in looks() if one.resource == kind]
    with bench() as made:
        users, token = made.cluster.server.users, made.cluster.token
        users[token] = stub_user()
        plain = made.run(blocked=True)
        assert plain.verdicts()["granite"] == ("NO-GO", "NO-GO")
        users[token] = stub_user(*lacking)
        told = made.run(blocked=True)
    assert told.status in {int(status) for status in ExitStatus} - {ExitStatus.INTERNAL, ExitStatus.TIMED_OUT}
    assert told.status != 0
    for model, words in told.verdicts().items():
        for word, before in zip(words, plain.verdicts()[model], strict=True):
            assert word in ("UNKNOWN", before), (model, words)
    assert f"may not list {kind}" in told.said
