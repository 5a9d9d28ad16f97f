"""How a library that is lacking comes into the environment that we run in, however that was made."""

from __future__ import annotations

import shlex
import sys
from importlib import metadata
from importlib.util import find_spec

PRODUCT = "modelcar-tui"
"""The name under which we are installed."""


def install_libraries(*names: str) -> str:
    """The command that installs them, at the versions that this release asks for.

    Libraries are named, not extras of ours: we may come from a clone, and no index need have us. The
    interpreter is named whole, for `pip` alone may be another's; an environment that uv made has no pip.

    Args:
        names: of distributions that we require, with or without an extra.
    """
    from modelcar_tui.core.config_file import typed

    python, asked = typed(sys.executable), _asked()
    what = " ".join(shlex.quote(f"{name}{asked.get(name, '')}") for name in names)
    if find_spec("pip") is None:
        return f"uv pip install --python {python} {what}"
    return f"{python} -m pip install {what}"


def _asked() -> dict[str, str]:
    """The versions of each library, those of extras included; empty where we run without being installed."""
    from packaging.requirements import Requirement

    try:
        wanted = metadata.requires(PRODUCT) or []
    except metadata.PackageNotFoundError:
        return {}
    return {one.name: str(one.specifier) for one in map(Requirement, wanted)}
