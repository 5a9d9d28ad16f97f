"""What is shipped beside the code: styles, sample manifests, recorded runs, tables.

In a wheel the folders lie inside the package; in a checkout beside `src/`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from modelcar_tui.core.decode import decode

T = TypeVar("T")
_PACKAGE = Path(__file__).resolve().parent.parent
_CHECKOUT = _PACKAGE.parent.parent


def styles() -> Path:
    """The folder of the `.tcss` files."""
    return _locate("styles", "styles")


def samples() -> Path:
    """The folder of the sample manifests."""
    return _locate("samples", "config-yaml")


def samples_shown() -> str:
    """The folder of the sample manifests, as a line for the operator names it."""
    from modelcar_tui.core.config_file import with_home

    return with_home(str(samples()))


def demo_logs() -> Path:
    """The folder of the recorded QA logs."""
    return _locate("demo_logs", "demo-logs")


def table(beside: str, name: str, kind: type[T]) -> T:
    """The JSON table `name` of the room whose module lies at `beside` (`__file__`), as `kind`.

    Callers keep what they get.
    """
    return decode((Path(beside).parent / name).read_bytes(), kind)


def _locate(in_wheel: str, in_checkout: str) -> Path:
    shipped = _PACKAGE / in_wheel
    return shipped if shipped.is_dir() else _CHECKOUT / in_checkout
