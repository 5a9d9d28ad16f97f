"""A run that is killed anywhere and resumed comes to what it comes to undisturbed: part of `make test-kill`.

Every so many points of each kind, one random moment, one run whose resume is killed, too.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "pty"))
import kill_dashboard
import kill_podman
from kill_headless import Bench
from kill_points import KINDS
from kill_scenes import load, parts, scenes

from kill import planned

# A loaded machine takes several times as long as an idle one.
pytestmark = pytest.mark.timeout(600)


@pytest.mark.parametrize(("scene", "stride"), [("all", 90), ("demo", 150), ("force", 150), ("fault", 40)])
def test_a_run_without_a_screen_survives_a_kill(tmp_path: Path, scene: str, stride: int) -> None:
    load()
    with parts(tmp_path / "parts") as served:
        bench = Bench(scenes()[scene], tmp_path, served)
        assert all(bench.counts[kind] > 0 for kind in KINDS)
        plan = list(planned(bench, stride=stride, moments=1, again=1, seed=1))
        done = [bench.kill(*points) for points in plan]
    assert sum(one.killed for one in done) >= len(plan) - 3
    assert not [one.line() for one in done if one.wrong]


@pytest.mark.real
@pytest.mark.parametrize("phase", ["marked", "approved"])
def test_the_dashboard_survives_a_kill(tmp_path: Path, phase: str) -> None:
    plain = kill_dashboard.undisturbed(tmp_path)
    assert plain.status == 0 and plain.counts["ManifestWritten"] == 1
    done = kill_dashboard.killed_in(tmp_path, phase, 0.1, plain)
    assert done.killed == 1 and not done.wrong, done.line()


@pytest.mark.real
def test_a_run_with_podman_survives_a_kill(tmp_path: Path, suite_image: Callable[..., str]) -> None:
    with parts(tmp_path / "parts") as served:
        site = kill_podman.Site(tmp_path, served)
        try:
            plain = kill_podman.undisturbed(site)
            assert plain.status == 0 and plain.counts["QaFinished"] == 1 and not site.left()
            done = kill_podman.killed_in(site, "lines", 0.0, plain, group=True)
        finally:
            site.lay_out()
    assert done.killed == 1 and not done.wrong, done.line()
    assert os.environ["CONTAINERS_STORAGE_CONF"], "a store of the tests' own"
