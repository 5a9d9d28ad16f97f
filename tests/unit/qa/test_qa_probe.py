"""What an image tells of itself, by the very script that asks it, and what of it is kept."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import msgspec
import pytest

from modelcar_tui.qa.engines.podman_cli import Podman, PodmanError, Result
from modelcar_tui.qa.engines.probe import probe
from modelcar_tui.qa.suite_facts import NEWEST, SuiteFacts, branches
from modelcar_tui.qa.suite_probe import FORMAT, Probe, assumed, probe_script, read_probe
from support import suite_tree

TAGGED = "quay.io/opendatahub/opendatahub-tests:"


def asked(folder: Path, shell: tuple[str, ...] = ("sh",), **env: str) -> str:
    """What the script prints in a folder."""
    done = subprocess.run(
        [*shell, "-c", probe_script(), "sh", "words", "that say nothing"],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": str(folder), **env},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def without_commit(branch: str) -> SuiteFacts:
    return msgspec.structs.replace(branches()[branch], commit="")


@pytest.mark.parametrize("branch", branches())
def test_image_of_a_branch_is_read_as_that_branch(tmp_path: Path, branch: str) -> None:
    suite_tree.write(tmp_path, branch)
    found = read_probe(asked(tmp_path), TAGGED + "latest")
    assert found.facts == without_commit(branch)
    assert found.probed
    assert (found.uid, found.gid) == (os.getuid(), os.getgid())
    assert found.writable == ("home", "cwd", "tmp")


@pytest.mark.parametrize("shell", [("dash",), ("busybox", "sh"), ("bash", "--posix")], ids=" ".join)
def test_script_wants_no_more_than_a_plain_shell(tmp_path: Path, shell: tuple[str, ...]) -> None:
    if shutil.which(shell[0]) is None:
        pytest.skip(f"{shell[0]} is not installed")
    suite_tree.write(tmp_path, "2.24")
    assert read_probe(asked(tmp_path, shell)).facts == without_commit("2.24")
    assert not list(tmp_path.glob(".modelcar-tui*"))


def test_home_that_is_not_there_is_not_writable(tmp_path: Path) -> None:
    suite_tree.write(tmp_path, "3.2")
    assert read_probe(asked(tmp_path, HOME="/nowhere/at/all")).writable == ("cwd", "tmp")


@pytest.mark.parametrize("text", ["", "uid=7\nsh: cat: not found", "modelcar-tui reads conftest.py\nx = ("])
@pytest.mark.parametrize(
    ("image", "branch"), [(TAGGED + "3.2", "3.2"), (TAGGED + "9.9", NEWEST), ("", NEWEST)]
)
def test_image_that_can_not_be_read_is_taken_for_its_tag_s_or_the_newest(
    text: str, image: str, branch: str
) -> None:
    found = read_probe(text, image)
    assert found.facts == branches()[branch]
    assert not found.probed
    assert found.uid == (7 if "uid" in text else None)


def test_test_whose_sources_nobody_understands_is_not_taken_for_one_that_makes_nothing(
    tmp_path: Path,
) -> None:
    suite_tree.write(tmp_path, "3.2")
    (tmp_path / Path(branches()["3.2"].test).with_name("conftest.py")).write_text("a new Python's words {")
    found = read_probe(asked(tmp_path), TAGGED + "3.2")
    assert found == msgspec.structs.replace(found, facts=branches()["3.2"], probed=False)


def test_a_path_that_is_no_test_becomes_no_argument() -> None:
    suite = "modelcar-tui reads conftest.py\np.addoption('--model_car_yaml_path')\n"
    for path in ("--collect-only", "/etc/passwd", "tests/model_serving/model_runtime/x/other.py"):
        assert read_probe(f"path={path}\n{suite}").test_path == ""


class Told(Podman):
    """podman that answers with one text."""

    def __init__(self, result: Result) -> None:
        super().__init__()
        self.result = result
        self.asked: list[tuple[str, ...]] = []

    async def __call__(self, *args: str, limit_s: float = 60.0) -> Result:
        self.asked.append(args)
        return self.result


IMAGE: dict[str, Any] = {"Id": "sha256:aa"}


@pytest.fixture
def podman(tmp_path: Path) -> Told:
    suite_tree.write(tmp_path / "image", "3.3")
    return Told(Result(0, asked(tmp_path / "image"), ""))


async def test_image_is_asked_once_in_one_container_that_starts_no_pytest(
    podman: Told, tmp_path: Path
) -> None:
    cache = tmp_path / "cache" / "probes.json"
    first = await probe(podman, IMAGE, cache, network="none")
    assert first.facts == without_commit("3.3")
    assert await probe(podman, IMAGE, cache) == first
    (line,) = podman.asked
    assert not any("pytest" in word or word == "--help" for word in line)
    assert "--network=none" in line


@pytest.mark.parametrize(
    "text",
    [
        '{"sha256:aa": {"generation": "G3", "test_path": "x", "options": ["--x"], "uid": 1}}',
        '{"format": 1, "probes": {}}',
        '{"format": 99, "probes": {"sha256:aa": {"facts": {}}}}',
        "[]",
        "\x00",
    ],
)
async def test_cache_of_another_release_is_asked_anew_and_replaced(
    podman: Told, tmp_path: Path, text: str
) -> None:
    cache = tmp_path / "probes.json"
    cache.write_text(text)
    found = await probe(podman, IMAGE, cache)
    assert found.facts == without_commit("3.3")
    kept = msgspec.json.decode(cache.read_bytes())
    assert kept["format"] == FORMAT
    assert msgspec.convert(kept["probes"]["sha256:aa"], Probe) == found


async def test_answer_that_says_nothing_is_not_kept(tmp_path: Path) -> None:
    cache = tmp_path / "probes.json"
    silent = Told(Result(127, "uid=5\ngid=6\n", "sh: cat: not found"))
    found = await probe(silent, IMAGE, cache, name=TAGGED + "3.2")
    assert found == msgspec.structs.replace(assumed(TAGGED + "3.2"), uid=5, gid=6)
    assert not cache.exists()


async def test_podman_that_runs_no_container_is_no_answer_of_the_image(tmp_path: Path) -> None:
    with pytest.raises(PodmanError, match="no space"):
        await probe(Told(Result(125, "", "Error: no space left")), IMAGE, tmp_path / "probes.json")
