"""A demo that goes on has its cluster and registry again, where the run knows them."""

from __future__ import annotations

import re
import shutil
import socket
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
import pytest

from modelcar_tui.commands.resuming import servers_of
from modelcar_tui.core.errors import UserError
from modelcar_tui.demo import demo_settings
from modelcar_tui.supervisor import Settings
from modelcar_tui.supervisor.runs import RunFolder


def made(tmp_path: Path, settings: Settings) -> Path:
    run = RunFolder.create(settings)
    run.release()
    return run.path


def test_its_servers_answer_again(tmp_path: Path) -> None:
    settings = demo_settings(state_dir=str(tmp_path))
    prepare = servers_of(made(tmp_path, settings))
    assert prepare is not None and settings.kubeconfig is not None and settings.registries_conf is not None
    plain = Settings(manifest="", state_dir=str(tmp_path))
    assert prepare(plain) == plain
    found = re.search(r"https?://[\w.:]+", Path(settings.kubeconfig).read_text())
    assert found is not None
    address = found.group()
    place = urlsplit(address)
    with socket.create_connection((str(place.hostname), place.port or 443), timeout=10):
        pass
    assert Path(settings.registries_conf).is_file()


def test_a_demo_whose_folder_is_gone_says_so_in_one_line(tmp_path: Path) -> None:
    settings = demo_settings(state_dir=str(tmp_path))
    prepare = servers_of(made(tmp_path, settings))
    assert prepare is not None and settings.kubeconfig is not None
    shutil.rmtree(Path(settings.kubeconfig).parent)
    with pytest.raises(UserError, match="not there any more"):
        prepare(Settings(manifest=""))


def test_another_run_starts_no_servers(tmp_path: Path) -> None:
    plain = msgspec.structs.replace(Settings(manifest="x.yaml"), state_dir=str(tmp_path))
    assert servers_of(made(tmp_path, plain)) is None
