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
from modelcar_tui.core.config_file import typed, with_home
from modelcar_tui.core.exit_codes import ExitStatus
from modelcar_tui.core.installing import PRODUCT, install_libraries
from modelcar_tui.core.version import __version__

_LEAST_FREE = 200 * 1024**2
"""Bytes: a run's journal and QA's log of a long suite."""
_FULL = 4 * 1024**2
"""Bytes: a run without QA."""
_SMALL = (80, 24)
_MOST_RUNS = 200
_EXTRAS = {
    "openai": ("langchain_openai", "langchain-openai", "OpenAI's models, and a vLLM of your own"),
    "anthropic": ("langchain_anthropic", "langchain-anthropic", "Anthropic's models"),
    "web": ("textual_serve", "textual-serve", "the dashboard in a browser"),
    "mcp": ("mcp", "mcp", "agent mcp, for programs"),
    "cel": ("celpy", "cel-python", "rules in CEL of KServe's objects, checked without a cluster"),
}
"""By the extra: its library, the package that brings it, and what it is for."""


def python(_: Patient) -> Iterator[Row]:
    """The interpreter, and the libraries at the versions that this release asks for."""
    told = f"Python {sys.version.split()[0]}, modelcar-tui {__version__}"
    yield ok("python", told)
    try:
        wanted = metadata.requires(PRODUCT) or []
    except metadata.PackageNotFoundError:
        yield warning("libraries", "not installed as a package; their versions are not looked at")
        return
    from packaging.requirements import Requirement

    asked = [
        one for one in map(Requirement, wanted) if one.marker is None or one.marker.evaluate({"extra": ""})
    ]
    lacking: dict[str, str] = {}
    for one in asked:
        try:
            found = metadata.version(one.name)
        except metadata.PackageNotFoundError:
            found = ""
        if not found or not one.specifier.contains(found, prereleases=True):
            lacking[one.name] = f"{one.name}{one.specifier} ({found or 'not there'})"
    if lacking:
        told = f"not as asked for: {', '.join(lacking.values())}"
        yield fault("libraries", told, install_libraries(*lacking), stops=ExitStatus.USAGE)
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
            else "input or output is no terminal"
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
    """Where runs, facts of images and measured starts are kept."""
    import platformdirs

    state = patient.value("paths.state-dir") or str(platformdirs.user_state_path(PRODUCT))
    cache = patient.value("paths.cache-dir") or str(platformdirs.user_cache_path(PRODUCT))
    yield from _folder("state folder", Path(state), "--state-dir", stops=ExitStatus.USAGE)
    yield from _folder("cache folder", Path(cache), "paths.cache-dir", stops=0)
    kept = patient.value("paths.data-dir") or str(platformdirs.user_data_path(PRODUCT))
    yield from _folder("data folder", Path(kept), "paths.data-dir", stops=0)


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
        yield fault(name, *_closed(there, shown, instead), stops=stops)
        return
    free = shutil.disk_usage(there).free
    if free < _LEAST_FREE:
        told = f"{shown}: only {free // 1024**2} MiB are free"
        fix = f"make room, or name another with {instead}"
        yield fault(name, told, fix, stops=stops) if free < _FULL else warning(name, told, fix)
        return
    stat = path.stat() if path.exists() else None
    if stat is not None and stat.st_uid != os.geteuid():
        yield warning(name, f"{shown} belongs to another user", f"name another with {instead}")
    elif stat is not None and stat.st_mode & 0o022:
        yield warning(name, f"{shown} can be written by others", f"chmod go-w {typed(str(path))}")
    else:
        yield ok(name, f"{shown}, {free / 1024**3:.1f} GiB free")


def _closed(there: Path, shown: str, instead: str) -> tuple[str, str]:
    """Why a folder can't be written, and what mends that: only its owner can change its mode."""
    other = f"name another with {instead}"
    if os.statvfs(there).f_flag & os.ST_RDONLY:
        return f"{shown} can't be written: its file system is mounted read-only", other
    mine = os.geteuid() in (0, there.stat().st_uid)
    fix = f"chmod u+rwx {typed(str(there))}, or {other}" if mine else other
    return f"{shown} can't be written", fix


def proxies(patient: Patient) -> Iterator[Row]:
    """Which proxies clients would take; a login in them is not told."""
    told = [
        (name, value)
        for one in ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY")
        for name in (one.lower(), one)  # in small letters it counts first
        if (value := patient.environ.get(name))
    ]
    if not told:
        yield ok("proxies", "none")
    yield from (_proxy(name, value) for name, value in told)


def _proxy(name: str, value: str) -> Row:
    from modelcar_tui.core.credentials import without_login
    from modelcar_tui.kube import AddressError, environment_proxy

    if name.upper() == "NO_PROXY":
        return ok(name, without_login(value))
    try:
        shown = without_login(environment_proxy(value))
    except AddressError as error:
        return fault(name, str(error), f"mend {name}, or unset it")
    if shown.startswith("socks"):
        return warning(name, f"{shown}: registries take none of SOCKS", "docs/proxies.md")
    return ok(name, shown)


def extras(_: Patient) -> Iterator[Row]:
    """The parts that are installed when they are asked for."""
    for extra, (library, package, what_for) in _EXTRAS.items():
        if find_spec(library) is not None:
            yield ok(f"extra {extra}", what_for)
        else:
            yield missing(f"extra {extra}", f"only for {what_for}", install_libraries(package))


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
        setting = {"--model": "llm.model", "--model-url": "llm.url"}.get(problem.where)
        where = patient.settings.chosen[setting].source if setting else problem.where
        yield fault("language model", f"{where}: {problem.what}", problem.fix)
        return
    if key is None:
        fix = f"export {choice.provider.variable}=...; docs/language-model.md"
        yield missing("language model", "no key, so none is asked; rules answer questions", fix)
    elif find_spec(choice.provider.module) is None:
        fix = install_libraries(choice.provider.package)
        yield missing("language model", f"{choice.label} needs a library", fix)
    else:
        yield _consent(patient, choice.label, choice.place)


def _consent(patient: Patient, model: str, host: str) -> Row:
    """Whether the operator lets it be asked."""
    from modelcar_tui.core.model_hosts import Standing, standing

    told = f"{model} at {host}"
    match standing(host, patient.environ):
        case Standing.ALLOWED:
            return ok("language model", f"{told}, allowed")
        case Standing.REFUSED:
            return ok("language model", f"{told} was refused, so none is asked")
    return missing(
        "language model", f"{told} is not allowed yet, so none is asked", f"agent config --allow {host}"
    )


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
