"""The command that installs what is lacking works for a clone, uv tool and pipx: no index need have us."""

from __future__ import annotations

import shlex
import sys
from importlib import metadata

import pytest
from packaging.requirements import Requirement

from modelcar_tui.core import installing
from modelcar_tui.core.installing import PRODUCT, install_libraries

WANTED = ["textual==8.2.8", 'textual-serve<2,>=1.1.3; extra == "web"', 'mcp<3,>=2.3; extra == "mcp"']


@pytest.mark.parametrize(
    ("pip", "start"), [(True, "{} -m pip install"), (False, "uv pip install --python {}")]
)
def test_it_installs_into_the_environment_that_we_run_in(
    pip: bool, start: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metadata, "requires", lambda _: WANTED)
    monkeypatch.setattr(installing, "find_spec", lambda _: object() if pip else None)
    monkeypatch.setattr(sys, "executable", "/opt/my tools/bin/python")
    words = shlex.split(install_libraries("mcp", "textual-serve"))
    count = len(shlex.split(start))
    assert words[:count] == [word.format("/opt/my tools/bin/python") for word in start.split()]
    assert [str(Requirement(word)) for word in words[count:]] == ["mcp<3,>=2.3", "textual-serve<2,>=1.1.3"]


def test_without_an_installed_package_the_library_is_named_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def nowhere(_: str) -> list[str]:
        raise metadata.PackageNotFoundError(PRODUCT)

    monkeypatch.setattr(metadata, "requires", nowhere)
    assert install_libraries("mcp").endswith(" mcp")
