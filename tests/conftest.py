"""What every test gets: a clean environment; and in CI a skip is a failure."""

from __future__ import annotations

import os

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


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """No setting of the machine that runs the tests reaches them; home and state are the test's own."""
    for name in _CLEARED:
        monkeypatch.delenv(name, raising=False)
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(home))
    for name in ("XDG_STATE_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR"):
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
