"""The entry points of the installed packages, read package by package: a broken one costs only itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib.metadata import Distribution, EntryPoint, distributions

from modelcar_tui.core.crash import class_name
from modelcar_tui.core.text import clean

GROUP = "modelcar_tui.specialists"


def entries(say: Callable[[str], object]) -> Iterator[tuple[EntryPoint, str]]:
    """Every entry point of the group in the order of their names, and the package that it comes from.

    Args:
        say: Told one line for a package whose entry points can't be read.
    """
    found: list[tuple[EntryPoint, str]] = []
    seen: set[str] = set()
    for package in distributions():
        try:
            name = str(package._normalized_name)  # type: ignore[attr-defined]
        except Exception:  # noqa: BLE001 - metadata without a name
            name = f"\0{len(seen)}"
        if name in seen:
            continue  # another version of it stands first on the path
        seen.add(name)
        try:
            found += [
                (entry, _told(package, entry.value)) for entry in package.entry_points.select(group=GROUP)
            ]
        except Exception as error:  # noqa: BLE001 - no UTF-8, no `name = value`, a folder that can't be read
            what = f"its entry_points.txt can't be read ({class_name(type(error))})"
            say(f"{_told(package)}: {what}, so no specialist of it joins")
    yield from sorted(found, key=lambda one: one[0].name)


def _told(package: Distribution, value: str = "") -> str:
    """`modelcar-license 0.1 (modelcar_license:License)`."""
    try:
        name = f"{package.name} {package.version}"
    except Exception:  # noqa: BLE001 - metadata without a name or a version
        name = "" if value else "a package without a name"
    return clean(f"{name} ({value})".strip() if value else name, limit=120)
