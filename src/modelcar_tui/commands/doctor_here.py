"""What `agent doctor` looks at on this machine alone: nobody is asked, nothing is started or written."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

from modelcar_tui.commands import screen
from modelcar_tui.commands.doctor_rows import Patient, Row, fault, missing, ok, warning
from modelcar_tui.commands.own_themes import all_themes
from modelcar_tui.core.config_file import with_home
from modelcar_tui.core.exit_codes import ExitStatus
from modelcar_tui.core.version import __version__

_PRODUCT = "modelcar-tui"
_LEAST_FREE = 200 * 1024**2
"""Bytes: a run's journal and QA's log of a long suite."""
_SMALL = (80, 24)
_MOST_RUNS = 200
_EXTRAS = {
    "openai": ("langchain_openai", "OpenAI's models, and a vLLM of your own"),
    "anthropic": ("langchain_anthropic", "Anthropic's models"),
    "web": ("textual_serve", "the dashboard in a browser"),
    "mcp": ("mcp", "agent mcp, for programs"),
}
"""By the extra: its library, and what it is for."""


def python(_: Patient) -> Iterator[Row]:
    """The interpreter, and the libraries at the versions that this release asks for."""
    told = f"Python {sys.version.split()[0]}, modelcar-tui {__version__}"
    yield ok("python", told)
    try:
        wanted = metadata.requires(_PRODUCT) or []
    except metadata.PackageNotFoundError:
        yield warning("libraries", "not installed as a package; their versions are not looked at")
        return
    from packaging.requirements import Requirement

    asked = [
        one for one in map(Requirement, wanted) if one.marker is None or one.marker.evaluate({"extra": ""})
    ]
    lacking = []
    for one in asked:
        try:
            found = metadata.version(one.name)
        except metadata.PackageNotFoundError:
            found = ""
        if not found or not one.specifier.contains(found, prereleases=True):
            lacking.append(f"{one} ({found or 'not there'})")
    if lacking:
        fix = f"{_pip()} install {_PRODUCT}=={__version__}"
        yield fault("libraries", f"not as asked for: {', '.join(lacking)}", fix, stops=ExitStatus.USAGE)
    else:
        yield ok("libraries", f"all {len(asked)} as asked for; Textual {metadata.version('textual')}")


def terminal(patient: Patient) -> Iterator[Row]:
    """What the dashboard would be painted on."""
    from modelcar_tui.core.terminal import own_size

    term = patient.environ.get("TERM", "")
    where = [
        name for name, there in (("tmux", "TMUX" in patient.environ), ("SSH", screen.over_ssh())) if there
    ]
    if not sys.stdin.isatty() or not sys.stderr.isatty() or term in ("", "dumb"):
        why = (
            f"TERM is {term!r}"
            if sys.stdin.isatty() and sys.stderr.isatty()
            else "none: in or output is none"
        )
        yield warning(
            "terminal", f"{why}; modelcar-tui goes on without a screen", "ssh -t HOST, or use agent"
        )
        return
    size = own_size()
    shown = f"{size[0]}x{size[1]}" if size else "size not told"
    told = f"{term}, {shown}{''.join(f', {one}' for one in where)}"
    if size and (size[0] < _SMALL[0] or size[1] < _SMALL[1]):
        yield warning(
            "terminal",
            f"{told}: smaller than 80x24",
            "make the window larger; all works, with less beside it",
        )
    else:
        yield ok("terminal", told)
    yield from _shown(patient)


def _shown(patient: Patient) -> Iterator[Row]:
    """Colours and signs."""
    if screen.few_colours(patient.environ):
        fix = (
            "tmux set -g default-terminal tmux-256color"
            if "TMUX" in patient.environ
            else "export TERM=xterm-256color"
        )
        yield warning("colours", "16: the theme ansi is taken", f"{fix}, where the terminal has 256")
    else:
        yield ok("colours", "256 or more")
    if screen.shows_unicode():
        yield ok("charset", "UTF-8")
    else:
        yield warning(
            "charset", "the locale's is not UTF-8: signs are ASCII", "export LC_ALL=C.UTF-8, or --no-ascii"
        )


def settings(patient: Patient) -> Iterator[Row]:
    """The settings file and its faults, variables of the environment included."""
    found = patient.settings
    themes = all_themes(found.file)
    problems = tuple(dict.fromkeys((*found.problems, *themes.problems)))
    where = with_home(str(found.file.path))
    for problem in problems:
        what = f"{problem.where}: {problem.what}" if problem.where else problem.what
        stops = ExitStatus.USAGE if problem in found.problems else 0
        yield fault("settings", what, problem.fix, stops=stops)
    for told in themes.warnings:
        yield warning("settings", told)
    if not problems:
        profile = f", profile {found.profile}" if found.profile else ""
        yield ok(
            "settings", f"{where}{profile}" if found.file.there else f"no file at {where}; the defaults count"
        )


def folders(patient: Patient) -> Iterator[Row]:
    """Where runs and facts of images are kept."""
    import platformdirs

    state = patient.value("paths.state-dir") or str(platformdirs.user_state_path(_PRODUCT))
    cache = patient.value("paths.cache-dir") or str(platformdirs.user_cache_path(_PRODUCT))
    yield from _folder("state folder", Path(state), "--state-dir", stops=ExitStatus.USAGE)
    yield from _folder("cache folder", Path(cache), "paths.cache-dir", stops=0)


def _folder(name: str, path: Path, instead: str, *, stops: int) -> Iterator[Row]:
    shown = with_home(str(path))
    there = path
    while not there.exists() and there != there.parent:
        there = there.parent
    if not there.is_dir():
        yield fault(
            name, f"{with_home(str(there))} is no folder", f"name another with {instead}", stops=stops
        )
        return
    if not os.access(there, os.W_OK | os.X_OK):
        fix = f"chmod u+rwx {with_home(str(there))}, or name another with {instead}"
        yield fault(name, f"{shown} can't be written", fix, stops=stops)
        return
    free = shutil.disk_usage(there).free
    if free < _LEAST_FREE:
        yield warning(
            name,
            f"{shown}: only {free // 1024**2} MiB are free",
            f"make room, or name another with {instead}",
        )
        return
    stat = path.stat() if path.exists() else None
    if stat is not None and stat.st_uid != os.geteuid():
        yield warning(name, f"{shown} belongs to another user", f"name another with {instead}")
    elif stat is not None and stat.st_mode & 0o022:
        yield warning(name, f"{shown} can be written by others", f"chmod go-w {shown}")
    else:
        yield ok(name, f"{shown}, {free / 1024**3:.1f} GiB free")


def proxies(patient: Patient) -> Iterator[Row]:
    """Which proxies clients would take; a login in them is not told."""
    from modelcar_tui.core.credentials import address_fault, without_login

    names = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY")
    found = {name: patient.environ.get(name) or patient.environ.get(name.lower()) for name in names}
    told = {name: value for name, value in found.items() if value}
    if not told:
        yield ok("proxies", "none")
    for name, value in told.items():
        if name != "NO_PROXY" and (said := address_fault(value)):
            yield fault(name, said, f"mend {name}, or unset it")
        else:
            yield ok(name, without_login(value))


def extras(_: Patient) -> Iterator[Row]:
    """The parts that are installed when they are asked for."""
    for extra, (library, what_for) in _EXTRAS.items():
        if find_spec(library) is not None:
            yield ok(f"extra {extra}", what_for)
        else:
            yield missing(f"extra {extra}", f"only for {what_for}", f"{_pip()} install '{_PRODUCT}[{extra}]'")


def model_key(patient: Patient) -> Iterator[Row]:
    """Whether a language model would be asked: never its key."""
    from modelcar_tui.core.errors import UserError
    from modelcar_tui.supervisor.llm import choose_model, find_key

    if patient.settings.chosen["llm.enabled"].value is False:
        yield ok("language model", "none is asked: llm.enabled is false")
        return
    try:
        choice = choose_model(patient.value("llm.model"), patient.value("llm.url"))
        key = find_key(choice, patient.environ)
    except UserError as error:
        problem = error.problems[0]
        yield fault("language model", f"{problem.where}: {problem.what}", problem.fix)
        return
    if key is None:
        fix = f"export {choice.provider.variable}=...; docs/language-model.md"
        yield missing("language model", "no key, so none is asked; only for explanations", fix)
    elif find_spec(choice.provider.module) is None:
        yield missing(
            "language model", f"{choice.label} needs a library", f"{_pip()} install '{choice.provider.extra}'"
        )
    else:
        yield ok("language model", f"{choice.label} at {choice.host}")


def last_crash(patient: Patient) -> Iterable[Row]:
    """The newest fault of ours that a run kept."""
    from modelcar_tui.supervisor import Settings

    runs = Settings(manifest="", state_dir=patient.value("paths.state-dir")).runs_folder
    found: list[tuple[float, Path]] = []
    with suppress(OSError):
        for run in sorted(runs.iterdir(), reverse=True)[:_MOST_RUNS]:
            with suppress(OSError):
                found.append(((run / "crash.txt").stat().st_mtime, run / "crash.txt"))
    if not found:
        return [ok("last crash", "none is kept")]
    at, path = max(found)
    when = time.strftime("%Y-%m-%d %H:%M", time.localtime(at))
    return [
        warning(
            "last crash", f"{when}, a fault of ours", f"send us {with_home(str(path))}; it holds no value"
        )
    ]


def _pip() -> str:
    """The pip of the environment that we run in."""
    return f"{with_home(sys.executable)} -m pip"
