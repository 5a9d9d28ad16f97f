"""What every test gets: a clean environment; and in CI a skip is a failure."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from modelcar_tui.core import secrets

_CLEARED = (
    "NO_COLOR",
    "COLORTERM",
    "KUBECONFIG",
    "OCI_REGISTRY_PULL_SECRET",
    "REGISTRY_AUTH_FILE",
    "GEMINI_API_KEY",
    "GOOGLE_API_KEY",
    "VLLM_RUNTIME_IMAGE",
    "MODELCAR_TUI_STATE_DIR",
    "MODELCAR_TUI_CACHE_DIR",
    "MODELCAR_TUI_DATA_DIR",
    "MODELCAR_TUI_CONFIG",
    "MODELCAR_TUI_THEME",
    "MODELCAR_TUI_ASCII",
    "MODELCAR_TUI_MOUSE",
    "MODELCAR_TUI_LOW_BANDWIDTH",
    "SSH_CONNECTION",
    "SSH_CLIENT",
    "SSH_TTY",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "http_proxy",
    "https_proxy",
    "PYTHONUNBUFFERED",
    "COLUMNS",
    "LINES",
)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Of `-n auto`: two a core on a small machine, for the tests wait for two thirds of their time."""
    cores = len(os.sched_getaffinity(0))
    return cores + min(cores, 4)


@pytest.fixture(scope="session")
def homes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Names of homes, each given once.

    They are numbered here: pytest reads the whole folder for the next free number, and thousands of tests
    would spend a minute on it.
    """
    root = tmp_path_factory.mktemp("homes")
    return (root / f"home{number}" for number in itertools.count())


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, homes: Iterator[Path]) -> None:
    """No setting of the machine that runs the tests reaches them; home and state are the test's own."""
    for name in _CLEARED:
        monkeypatch.delenv(name, raising=False)
    home = next(homes)
    home.mkdir(mode=0o700)
    monkeypatch.setenv("HOME", str(home))
    for name in ("XDG_STATE_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_RUNTIME_DIR"):
        monkeypatch.setenv(name, str(home / name.lower()))
    monkeypatch.setenv("TZ", "UTC")


@pytest.fixture(autouse=True)
def nothing_taught(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test teaches the process is forgotten after it: its words are others' ordinary words."""
    monkeypatch.setattr(secrets, "_process", secrets.Redactor())


def pytest_sessionfinish(session: pytest.Session) -> None:
    """With MODELCAR_TUI_NO_SKIPS, as CI sets it, every skip is a failure."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None or not os.environ.get("MODELCAR_TUI_NO_SKIPS"):
        return
    skipped = reporter.stats.get("skipped", [])
    if skipped:
        reporter.write_line(f"{len(skipped)} tests were skipped, and here a skip is a failure", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
