"""`agent accelerator` with exec plug-ins that go wrong: one line, no traceback, no part of a token."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from modelcar_tui.core.exit_codes import ExitStatus

CANARY = "CANARYaaaa0001bbbb0002cccc0003"
HEAD, TAIL = "CANARYdddd0004", "eeee0005CANARY"
V1 = "client.authentication.k8s.io/v1"


def printing(token: str) -> str:
    status = {"apiVersion": V1, "kind": "ExecCredential", "status": {"token": token}}
    return f"cat <<'END'\n{json.dumps(status)}\nEND"


CASES = {
    "fails with a token on stderr": (f"echo 'refresh with {CANARY} failed' >&2; exit 1", "refresh with"),
    "prints a token over two lines": (printing(f"{HEAD}\n{TAIL}"), "the token holds a line break"),
    "prints a token in another version": (printing(CANARY).replace("/v1", "/v1beta1"), "of the apiVersion"),
    "hangs after a token on stderr": (
        f"trap '' TERM; echo 'sent Bearer {CANARY}' >&2; sleep 300 & sleep 301",
        "gave no token within 7 s and was ended: sent Bearer",
    ),
    "gives a token, and nobody is there": (printing(CANARY), "the connection is refused"),
}


@pytest.mark.parametrize("name", CASES)
def test_what_goes_wrong_with_a_plug_in_is_one_line_within_ten_seconds(name: str, tmp_path: Path) -> None:
    script, says = CASES[name]
    home = tmp_path / "home"
    home.mkdir()
    (tmp_path / "get-token").write_text(f"#!/bin/sh\n{script}\n")
    (tmp_path / "get-token").chmod(0o755)
    user = {"exec": {"apiVersion": V1, "command": "./get-token", "interactiveMode": "IfAvailable"}}
    config = {
        "current-context": "c",
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": {"server": "https://127.0.0.1:1"}}],
        "users": [{"name": "u", "user": user}],
    }
    (tmp_path / "k").write_text(json.dumps(config))
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "modelcar_tui.agent", "accelerator", "--kubeconfig", str(tmp_path / "k")],
        capture_output=True,
        cwd=home,
        env={**os.environ, "HOME": str(home), "XDG_STATE_HOME": str(home)},
        stdin=subprocess.DEVNULL,
        timeout=60,
        check=False,
    )
    took = time.monotonic() - began
    assert done.returncode == ExitStatus.CLUSTER
    assert says in done.stdout.decode()
    assert done.stderr == b""
    assert took < 10 or os.getloadavg()[0] > (os.cpu_count() or 1)
    for part in (CANARY, HEAD, TAIL):
        assert part.encode() not in done.stdout
