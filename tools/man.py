"""Writes docs/man/*.1 from the parsers of both programs: `make man`, after a change in options."""

from __future__ import annotations

import argparse
import os
import re
from pathlib import Path

from argparse_manpage.manpage import Manpage

from modelcar_tui import agent
from modelcar_tui.commands import start
from modelcar_tui.commands.parser import Parser
from modelcar_tui.core.exit_codes import ExitStatus
from modelcar_tui.core.settings_table import KEYS, described, variable_of
from modelcar_tui.core.version import __version__
from modelcar_tui.schemas.descriptions import attribute_docs

FOLDER = Path(__file__).parents[1] / "docs" / "man"
WIDTH = "110"
"""Columns that argparse wraps at: the same wherever the pages are made."""
ENVIRONMENT = {
    "MODELCAR_TUI_CONFIG": "the settings file; /dev/null means none",
    "KUBECONFIG": "as kubectl reads it",
    "REGISTRY_AUTH_FILE": "as skopeo reads it",
    "OCI_REGISTRY_PULL_SECRET": "for QA and private images: a login in base64, an auth file, or a Secret",
    "VLLM_RUNTIME_IMAGE": "takes the place of the cluster's runtime image",
    "CONTAINERS_REGISTRIES_CONF": "remaps and mirrors of registries, as podman reads it",
    "SSL_CERT_FILE": "a bundle of certificate authorities in place of the system's",
    "HTTPS_PROXY": "the proxy to cluster and registries; HTTP_PROXY and ALL_PROXY are heard, too",
    "NO_PROXY": "hosts and domains that are reached without a proxy",
    "GEMINI_API_KEY": "only for a language model; or OPENAI_API_KEY, ANTHROPIC_API_KEY",
    "NO_COLOR": "no colours, whatever else is said",
    "MODELCAR_TUI_LINT_IGNORE": "codes that agent lint does not tell, as its --ignore",
    "MODELCAR_TUI_QA_SPEED": "how fast a recording is played; 0: without pauses",
}
FILES = {
    "~/.config/modelcar-tui/config.toml": "the settings; agent schema config prints its JSON Schema",
    "~/.config/modelcar-tui/themes/NAME.toml": "a theme of your own",
    "~/.local/state/modelcar-tui/runs/ID/": "a run: journal.jsonl, settings.json, qa/qa.log, replaced/",
    "~/.local/share/modelcar-tui/measurements/": "measured starts: agent measurements",
    "~/.cache/modelcar-tui/": "facts of images",
}
ABOUT = {
    "modelcar-tui": "look at a model-car manifest before it is served",
    "agent": "GO, NO-GO or UNKNOWN for a model-car manifest, without a screen",
}


def page(parser: Parser) -> str:
    """The manual page of a program, in troff."""
    os.environ["COLUMNS"] = WIDTH
    usages = [line.strip() for line in (parser.usage or "").splitlines()]
    for one in (parser, *_commands(parser)):
        _plain(one)
    about = ABOUT[parser.prog]
    data = {
        "project_name": "modelcar-tui",
        "version": __version__,
        "manual_title": "modelcar-tui",
        "description": about,
        "date": f"modelcar-tui {__version__}",
    }
    told = Manpage(parser, data, format="single-commands-section")
    told.add_section("synopsis", "=", _as_it_stands(usages))
    told.add_section("examples", "=", _as_it_stands(parser.examples))
    told.add_section("exit status", "=", _list(_statuses()))
    told.add_section("environment", "=", _list({**ENVIRONMENT, **_variables()}))
    told.add_section("files", "=", _list(FILES))
    told.add_section("see also", "=", _see_also(parser.prog))
    whole = str(told).replace("usage: \n", "\n")
    whole = re.sub(r"^(options|arguments):$", r"\\fB\1\\fR:", whole, flags=re.MULTILINE)
    whole = re.sub(r"^(\.S[SH] .*)\n+(?:.*)\n+(?=\.PP\n\.nf)", r"\1\n", whole, flags=re.MULTILINE)
    whole = re.sub(r"\n{2,}", "\n.PP\n", whole)  # an empty line is a gap of its own in troff
    whole = re.sub(r'^(\.TH \S+ "1") "[^"]*"', r'\1 ""', whole)  # the library can leave no date out
    return re.sub(r"(?:\.PP\n)+(?=\.(?:PP|S[SH]|TP|RS|RE)\b)", "", whole)


def _commands(parser: argparse.ArgumentParser) -> list[Parser]:
    groups = [one for one in parser._actions if isinstance(one, argparse._SubParsersAction)]
    return [command for group in groups for command in group.choices.values()]


def _plain(parser: Parser) -> None:
    """What `--help` has in its description and its usage, as paragraphs of their own."""
    told = (parser.description or "").partition("\n\n")[0].replace("\n", " ")
    if parser.prog in ABOUT:
        parser.description, parser.epilog = told, None
        return
    first = parser.format_usage().removeprefix("usage: ").splitlines()
    parser.usage = f"\n.PP\n.nf\n{chr(10).join(line.strip() for line in first)}\n.fi"
    parser.description = f".PP\n{told}\n.PP\n.nf\n{chr(10).join(parser.examples)}\n.fi"
    for group in parser._action_groups[2:]:
        group.title = f"\\fB{group.title}\\fR:"


def _statuses() -> dict[str, str]:
    docs = attribute_docs(ExitStatus)
    return {str(status.value): docs[status.name].replace("\n", " ") for status in ExitStatus}


def _variables() -> dict[str, str]:
    return {variable_of(name): f"the setting {name}: {described(name)}" for name in KEYS}


def _see_also(program: str) -> str:
    (other,) = [name for name in ABOUT if name != program]
    return f".BR {_escaped(other)} (1),\n.BR podman (1),\n.BR skopeo (1)"


def _as_it_stands(lines: list[str] | tuple[str, ...]) -> str:
    return "\n".join((".nf", *map(_escaped, lines), ".fi"))


def _list(rows: dict[str, str]) -> str:
    return "\n".join(f".TP\n.B {_escaped(name)}\n{_escaped(text)}" for name, text in rows.items())


def _escaped(text: str) -> str:
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return f"\\&{text}" if text.startswith((".", "'")) else text


def pages() -> dict[str, str]:
    """The text of each page by its file's name."""
    found = {parser.prog: parser for parser in (start.parser(), agent.parser())}
    return {f"{name}.1": page(parser) for name, parser in found.items()}


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, text in pages().items():
        (FOLDER / name).write_text(text, "utf-8")
