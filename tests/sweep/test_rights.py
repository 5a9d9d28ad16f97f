"""A whole run with one right fewer, each in turn: no model fares better than with all of them, and it ends by itself."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from bench import bench

from support.rbac import looks, needs_older, stub_user


def test_a_right_that_is_missing_makes_no_verdict_better() -> None:
    with bench() as made:
        users, token = made.cluster.server.users, made.cluster.token
        users[token] = stub_user()
        plain, worse, wrong = made.run(blocked=True), 0, []
        assert plain.verdicts()["granite"] == ("NO-GO", "NO-GO")
        for one in (one for one in looks() if not needs_older(one)):
            users[token] = stub_user(one)
            told = made.run(blocked=True)
            worse += told.verdicts() != plain.verdicts()
            if told.status not in (1, 3):
                wrong.append(f"{one.id}: ended with {told.status}")
            for model, words in told.verdicts().items():
                if any(
                    word not in ("UNKNOWN", before) for word, before in zip(words, plain.verdicts()[model])
                ):
                    wrong.append(f"{one.id}: {model} {words} instead of {plain.verdicts()[model]}")
    assert wrong == []
    assert worse >= 1, "without nodes nothing is known"
