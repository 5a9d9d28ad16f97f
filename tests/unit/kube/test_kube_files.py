"""A kubeconfig, or a token's file, that is a pipe: `--kubeconfig <(oc config view --raw)`, `/dev/stdin`."""

from __future__ import annotations

import json
import os
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from modelcar_tui.kube import files
from modelcar_tui.kube.errors import ClusterError
from modelcar_tui.kube.kubeconfig import find_credentials
from modelcar_tui.kube.types import ClusterOptions


def config(user: dict[str, Any]) -> bytes:
    written = {
        "current-context": "c",
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "c"}}],
        "clusters": [{"name": "c", "cluster": {"server": "https://api.test:6443"}}],
        "users": [{"name": "c", "user": user}],
    }
    return json.dumps(written).encode()


def pipe(path: Path, *parts: bytes, pause: float = 0.0) -> Path:
    """A pipe into which a thread writes the parts, a pause before each; without any nobody opens it."""
    os.mkfifo(path)

    def write() -> None:
        with path.open("wb", buffering=0) as end:
            for part in parts:
                time.sleep(pause)
                end.write(part)

    if parts:
        threading.Thread(target=write, daemon=True).start()
    return path


@pytest.mark.parametrize("pause", [0.0, 0.2])
def test_what_a_pipe_gives_once_is_known_for_good(tmp_path: Path, pause: float) -> None:
    whole = config({"token": "planted" * 20_000})
    path = pipe(tmp_path / "k", whole[:100], whole[100:], pause=pause)
    for _ in range(2):
        found = find_credentials(ClusterOptions(kubeconfig=str(path)))
        assert found.token is not None
        assert found.token.reveal() == "planted" * 20_000


def test_a_token_may_come_out_of_a_pipe(tmp_path: Path) -> None:
    path = pipe(tmp_path / "token", b"planted\n")
    (tmp_path / "k").write_bytes(config({"tokenFile": str(path)}))
    found = find_credentials(ClusterOptions(kubeconfig=str(tmp_path / "k")))
    assert found.token is not None
    assert found.token.reveal() == "planted"


@pytest.mark.parametrize("what", ["kubeconfig", "tokenFile"])
def test_a_pipe_that_nobody_writes_to_is_told_and_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    monkeypatch.setattr(files, "PIPE_S", 0.2)
    path = pipe(tmp_path / "pipe")
    if what == "tokenFile":
        path = tmp_path / "k"
        path.write_bytes(config({"tokenFile": str(tmp_path / "pipe")}))
    with pytest.raises(ClusterError) as caught:
        find_credentials(ClusterOptions(kubeconfig=str(path)))
    assert "a pipe to whose end nobody wrote within 0.2 s" in str(caught.value)


def test_a_list_of_nothing_names_no_file() -> None:
    with pytest.raises(ClusterError) as caught:
        find_credentials(ClusterOptions(), {"KUBECONFIG": "::"})
    assert "KUBECONFIG names no file" in str(caught.value)
