"""Every demo has a folder of its own, and writes nowhere else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from modelcar_tui.core.errors import UserError
from modelcar_tui.demo.run import demo_settings

MINE = "# precious\n"


def test_two_demos_at_once_have_two_folders(tmp_path: Path) -> None:
    code = (
        "import sys; from modelcar_tui.demo.run import demo_settings;"
        "print(demo_settings(state_dir=sys.argv[1]).manifest)"
    )
    both = [
        subprocess.Popen([sys.executable, "-c", code, tmp_path], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    manifests = {process.communicate(timeout=60)[0].strip() for process in both}
    manifests |= {demo_settings(state_dir=str(tmp_path)).manifest for _ in range(20)}
    assert len(manifests) == 22
    for manifest in manifests:
        assert Path(manifest).parent.stat().st_mode & 0o777 == 0o700
        assert [path.name for path in Path(manifest).parent.iterdir()] == [Path(manifest).name]


@pytest.mark.parametrize("option", ["kubeconfig", "registries_conf"])
def test_a_demo_never_writes_over_the_operators_own_files(tmp_path: Path, option: str) -> None:
    own = tmp_path / "own"
    own.write_text(MINE)
    with pytest.raises(UserError, match="of its own"):
        demo_settings(state_dir=str(tmp_path / "state"), **{option: str(own)})
    assert own.read_text() == MINE and not (tmp_path / "state").exists()
