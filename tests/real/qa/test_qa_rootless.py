"""The podman engine for a user without rights: 0600 files that only the suite's user reads."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from support.masks import unnumbered
from support.qa_bench import AUTH, PASSWORD, TOKEN
from support.rootless import unprivileged, why_not

pytestmark = pytest.mark.real


def test_suite_runs_rootless_and_leaves_nothing(
    suite_image: Callable[..., str], kubeconfig: Path, tmp_path: Path
) -> None:
    if reason := why_not():
        pytest.skip(reason)
    archive = tmp_path / "suite.tar"
    image = suite_image("main")
    subprocess.run(["podman", "save", "--quiet", "-o", str(archive), image], check=True, capture_output=True)
    with unprivileged() as someone:
        home = someone.home
        archive.rename(home / "suite.tar")
        (home / "kubeconfig").write_text(kubeconfig.read_text())
        (home / "m.yaml").write_text(
            "model-car:\n- name: granite--leak\n  image: oci://registry.redhat.io/x/granite:1\n"
        )
        someone.own()
        loaded = someone.run("podman", "load", "--quiet", "-i", "suite.tar")
        assert loaded.returncode == 0, loaded.stderr
        request = {
            "run_id": "rootless",
            "image": image,
            "manifest_path": str(home / "m.yaml"),
            "network": "none",
            "kubeconfig_path": str(home / "kubeconfig"),
            "folder": str(home / "run"),
            "timeout_s": 60.0,
        }
        given = json.dumps({"request": request, "secret": AUTH, "probes": str(home / "probes.json")})
        python = f"/usr/bin/python{sys.version_info.major}.{sys.version_info.minor}"
        result = someone.run(python, "qa_driver.py", given=given)
        assert "code='QA_OK'" in result.stdout, result.stdout + result.stderr
        assert "level=error" not in result.stderr
        assert someone.run("podman", "ps", "-aq").stdout.split() == []
        assert not (home / "run" / "qa" / "stage").exists()
        log = (home / "run" / "qa" / "qa.log").read_text()
        assert unnumbered(log).count("***") >= 4
        for needle in (PASSWORD, AUTH, TOKEN):
            assert needle not in log + result.stdout + result.stderr
