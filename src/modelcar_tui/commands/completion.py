"""`agent completion SHELL`: what a shell offers behind `agent` and `modelcar-tui`.

shtab makes it of the parsers. Files complete to files of the kind that is read, runs to the folders that
there are, profiles and themes to those of the settings: looked up by the shell itself while you type, without
starting us. A name from outside is never expanded; one that holds anything but letters, digits, `.`, `_` and
`-` is not offered.
"""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Iterator

from modelcar_tui.commands.parser import Parser
from modelcar_tui.commands.preferences import Preferences, look
from modelcar_tui.core.exit_codes import ExitStatus
from modelcar_tui.core.settings_table import THEMES

PROGRAMS = ("agent", "modelcar-tui")
_YAML = ("manifest", "config", "cases")
_JSON = ("plan",)
_NODES = ("inventory",)
_FILES = ("authfile", "registries_conf", "kubeconfig", "output", "source", "reports", "picture")
_FOLDERS = ("state_dir", "root")
_RUNS = ("run", "resume", "replay")


def print_completion(args: argparse.Namespace, programs: dict[str, Parser]) -> int:
    """Print the script of `args.shell` for all `programs`, or for the one of `args.program`."""
    import shtab

    found = look(args)
    wanted = [args.program] if args.program else list(programs)
    for name in wanted:
        _tell(programs[name], found)
        script = shtab.complete(programs[name], args.shell).rstrip()
        sys.stdout.write((_split_at_equals(script) if args.shell == "bash" else script) + "\n")
    return ExitStatus.GO


def _tell(parser: argparse.ArgumentParser, found: Preferences) -> None:
    """Say of each argument what completes it, where it is no choice."""
    import shtab

    by_name = {
        **dict.fromkeys(_YAML, shtab.glob("*.yaml", "*.yml")),
        **dict.fromkeys(_JSON, shtab.glob("*.json")),
        **dict.fromkeys(_NODES, shtab.glob("*.json", "*.yaml", "*.yml")),
        **dict.fromkeys(_FILES, shtab.FILE),
        **dict.fromkeys(_FOLDERS, shtab.DIRECTORY),
        **dict.fromkeys(_RUNS, _looked_up("runs", _runs_folder(found))),
        "gone": _looked_up("ids", _runs_folder(found)),
        "ids": _looked_up("measurements", _measurements_folder(found)),
        "profile": _looked_up("profiles", _settings_file()),
        "theme": _looked_up("themes", _settings_file()),
    }
    for action in _actions(parser):
        if action.nargs != 0 and action.choices is None and action.dest in by_name:
            action.complete = by_name[action.dest]  # type: ignore[attr-defined]


def _split_at_equals(script: str) -> str:
    """The script for bash, hearing `--option=value` as `--option value`: its `=` is a word there."""
    script, _, last = script.rpartition("\n")
    function = last.split()[-2]
    own = function.replace("_shtab_", "_modelcar_tui_for_")
    return f"{script}\n{_WITHOUT_EQUALS % (own, function)}\n{last.replace(function, own)}"


def _actions(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    for action in parser._actions:
        yield action
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                yield from _actions(command)


def _runs_folder(found: Preferences) -> str:
    """Where runs are kept, as a POSIX shell finds it: the variable, the settings, XDG's folder, the home."""
    told = found.chosen["paths.state-dir"]
    if told.of_file:
        return f"${{MODELCAR_TUI_STATE_DIR:-{_quoted(str(told.value))}}}/runs"
    return "${MODELCAR_TUI_STATE_DIR:-${XDG_STATE_HOME:-$HOME/.local/state}/modelcar-tui}/runs"


def _measurements_folder(found: Preferences) -> str:
    """Where measured starts are kept, found likewise."""
    told = found.chosen["paths.data-dir"]
    if told.of_file:
        return f"${{MODELCAR_TUI_DATA_DIR:-{_quoted(str(told.value))}}}/measurements"
    return "${MODELCAR_TUI_DATA_DIR:-${XDG_DATA_HOME:-$HOME/.local/share}/modelcar-tui}/measurements"


def _settings_file() -> str:
    return "${MODELCAR_TUI_CONFIG:-${XDG_CONFIG_HOME:-$HOME/.config}/modelcar-tui/config.toml}"


def _quoted(path: str) -> str:
    """Between double quotes of a shell."""
    return "".join(f"\\{char}" if char in '\\"$`}' else char for char in path)


def _looked_up(what: str, place: str) -> dict[str, object]:
    """A function of each shell that prints the names there are, one a line."""
    name = f"_modelcar_tui_{what}"
    posix = _POSIX[what].format(place=place, themes=" ".join(THEMES))
    kept = "| LC_ALL=C grep -xE '[A-Za-z0-9][A-Za-z0-9._-]*'"
    listing = f"{name}_all() {{\n  sh -c {shlex.quote(posix)} 2>/dev/null {kept}\n}}"
    fish = f"function {name}\n  sh -c {shlex.quote(posix)} 2>/dev/null {kept}\nend"
    bash = f'{name}() {{\n  compgen -W "$({name}_all)" -- "$1"\n}}'
    zsh = f'{name}() {{\n  local -a found=("${{(@f)$({name}_all)}}")\n  compadd -a found\n}}'
    return {
        "bash": name,
        "zsh": name,
        "fish": f"({name})",
        "preamble": {"bash": f"{listing}\n{bash}", "zsh": f"{listing}\n{zsh}", "fish": fish},
    }


_WITHOUT_EQUALS = """\
%s() {
  local -a words=()
  local at here=$COMP_CWORD
  for at in "${!COMP_WORDS[@]}"; do
    if [[ ${COMP_WORDS[at]} != "=" ]]; then words+=("${COMP_WORDS[at]}")
    elif (( at == COMP_CWORD )); then words+=("")
    elif (( at < COMP_CWORD )); then here=$(( here - 1 ))
    fi
  done
  local -a COMP_WORDS=("${words[@]}")
  local COMP_CWORD=$here
  %s
}"""
_POSIX = {
    "runs": 'echo last; for run in "{place}"/*/; do run=${{run%/}}; echo "${{run##*/}}"; done',
    "ids": 'for run in "{place}"/*/; do run=${{run%/}}; echo "${{run##*/}}"; done',
    "measurements": 'for one in "{place}"/*.json; do one=${{one##*/}}; echo "${{one%.json}}"; done',
    "profiles": """sed -n 's/^ *\\[profiles\\.\\([A-Za-z0-9_-]*\\).*/\\1/p' "{place}" | sort -u""",
    "themes": """printf '%s\\n' {themes}; file="{place}"
sed -n 's/^ *\\[themes\\.\\([A-Za-z0-9_-]*\\).*/\\1/p' "$file"
for one in "${{file%/*}}"/themes/*.toml; do one=${{one##*/}}; echo "${{one%.toml}}"; done""",
}
"""What a POSIX shell prints; no word of ours is expanded in it but the place."""
