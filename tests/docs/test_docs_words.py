"""What a page names is there: files, anchors, make targets, options, variables; YAML, TOML and JSON load."""

from __future__ import annotations

import functools
import json
import re
import subprocess
import tomllib
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
import yaml
from doc_options import calls, known_option, missing, own_options
from doc_pages import ROOT, anchors, blocks, code_words, links, pages, shell_blocks, tokens

from modelcar_tui.core.exit_codes import ExitStatus

PAGES = sorted(pages())
_PLACES = (
    ".",
    "docs",
    "src",
    "src/modelcar_tui",
    "src/modelcar_tui/*",
    "tests",
    "tests/unit",
    "tools",
    "tools/*",
)
"""Folders from which pages name files."""
_OTHERS = frozenset(
    ("config/scheduler.py", "containers/auth.json", ".docker/config.json", "model/config.json")
)
"""vLLM's, podman's, docker's, a model's."""
_FILE = re.compile(r"(?:[\w.*-]+/)+[\w.*-]*\.(?:md|py|json|yaml|yml|toml|txt|log|svg|sh|tcss|gz)|[\w-]+\.md")
_MADE = re.compile(
    r"^(\.\w+|themes|info|qa|replaced|not-written|runs|certs\.d|policies|vllm|site|reports?|dist)/"
)
"""Files of a run's folder and of an operator's, which are in no checkout."""


def all_code(page: str) -> list[tuple[int, str]]:
    """Everything in code of a page: words between backticks, and blocks."""
    return [*code_words(page), *((block.line, block.text) for block in blocks(page))]


@pytest.mark.parametrize("page", PAGES)
def test_every_link_of_a_page_leads_somewhere(page: str) -> None:
    lost = []
    for link in links(page):
        parts = urlsplit(link.target)
        if parts.scheme in ("http", "https"):
            continue
        path = (Path(page).parent / unquote(parts.path)) if parts.path else Path(page)
        name = str((ROOT / path).resolve().relative_to(ROOT))
        if not (ROOT / name).exists() or (parts.fragment and parts.fragment not in anchors(name)):
            lost.append(f"{page}:{link.line}: {link.target}")
    assert lost == []


@pytest.mark.parametrize("page", PAGES)
def test_every_file_that_a_page_names_is_there(page: str) -> None:
    lost = []
    for line, word in code_words(page):
        name = word.partition("#")[0].partition("::")[0].rstrip("/")
        if not _FILE.fullmatch(name) or _MADE.match(name):
            continue
        if name not in _OTHERS and not found(name, str(Path(page).parent)):
            lost.append(f"{page}:{line}: {word}")
    assert lost == []


def found(name: str, beside: str) -> bool:
    """Whether a name, in which NAME stands for any, is a file below one of the folders of pages."""
    pattern = name.replace("NAME", "*")
    return any(next(ROOT.glob(str(Path(place) / pattern)), None) for place in (*_PLACES, beside))


@pytest.mark.parametrize("page", PAGES)
def test_every_option_that_a_page_names_is_somebodys(page: str) -> None:
    lost = [
        f"{page}:{line}: {option}"
        for line, text in all_code(page)
        for option in re.findall(r"(?<![\w-])--[a-z][a-z0-9-]*[a-z0-9]", text)
        if not known_option(option) and not known_option(f"--no-{option[2:]}")
    ]
    assert lost == []


@pytest.mark.parametrize("page", PAGES)
def test_every_call_of_our_programs_has_a_command_and_its_options(page: str) -> None:
    wrong = [
        f"{page}:{line}: {' '.join(command)}: {', '.join(missing(command, words))}"
        for line, text in all_code(page)
        for command, words in calls(text)
        if missing(command, words)
    ]
    assert wrong == []


@functools.cache
def make_targets() -> frozenset[str]:
    return frozenset(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


@pytest.mark.parametrize("page", PAGES)
def test_every_make_target_that_a_page_names_is_there(page: str) -> None:
    lost = [
        f"{page}:{line}: make {target}"
        for line, text in all_code(page)
        for target in re.findall(r"^\s*make ([a-z-]+)", text, re.MULTILINE)
        if target not in make_targets()
    ]
    assert lost == []


@functools.cache
def code() -> str:
    """The text in which a variable of the environment has to be heard."""
    paths = [
        ROOT / "Makefile",
        ROOT / "tests/conftest.py",
        *(ROOT / "src").rglob("*.py"),
        *(ROOT / "tools").rglob("*.sh"),
    ]
    return "\n".join(path.read_text("utf-8") for path in paths)


@functools.cache
def settings_variables() -> frozenset[str]:
    """What each quoted word of the code would be called as a setting's variable: `qa.image` is `QA_IMAGE`."""
    words = re.findall(r"[\"']([a-z][a-z-]*(?:\.[a-z-]+)*)[\"']", code())
    return frozenset(re.sub(r"[.-]", "_", word).upper() for word in words)


def heard(name: str) -> bool:
    """Whether the code names a variable, or a setting that it stands for."""
    return name in code() or name.removeprefix("MODELCAR_TUI_") in settings_variables()


@pytest.mark.parametrize("page", PAGES)
def test_every_variable_that_a_page_sets_or_tables_is_heard(page: str) -> None:
    """In a block `export NAME=` and `NAME=... agent`; anywhere each name of ours."""
    lost = []
    for line, text in all_code(page):
        named = re.findall(r"(?:^|\s)export ([A-Z][A-Z0-9_]+)=", text)
        named += re.findall(r"^\s*([A-Z][A-Z0-9_]+)=\S* +(?:agent|modelcar-tui)\b", text, re.MULTILINE)
        named += re.findall(r"\bMODELCAR_TUI_[A-Z_]+\b", text)
        lost += [f"{page}:{line}: {name}" for name in named if not heard(name)]
    assert lost == []


def test_every_variable_of_ours_stands_in_a_page() -> None:
    """A name may be cut to its end behind the first of a row: `MODELCAR_TUI_CONFIG`, `_THEME`."""
    told = "\n".join(pages().values())
    source = "\n".join(path.read_text("utf-8") for path in (ROOT / "src").rglob("*.py"))
    ours = set(re.findall(r"\bMODELCAR_TUI_[A-Z_]*[A-Z]\b", source))
    behind = "MODELCAR_TUI"
    assert [
        name for name in sorted(ours) if name not in told and f"`{name.removeprefix(behind)}`" not in told
    ] == []


def test_every_option_of_ours_stands_in_a_page() -> None:
    told = "\n".join(pages().values())
    silent = {"--help", "--version", "--show", "--path"}
    assert [
        name for name in sorted(own_options() - silent) if name.startswith("--") and name not in told
    ] == []


LOADERS = {"yaml": lambda text: list(yaml.safe_load_all(text)), "toml": tomllib.loads, "json": json.loads}


def test_what_says_to_be_yaml_toml_or_json_is() -> None:
    wrong = []
    for block in (block for page in PAGES for block in blocks(page) if block.language in LOADERS):
        try:
            LOADERS[block.language](block.text)
        except (yaml.YAMLError, ValueError) as error:
            wrong.append(f"{block.place}: {error}")
    assert wrong == []


def test_the_index_of_docs_lists_every_page() -> None:
    listed = {str(Path("docs") / urlsplit(link.target).path) for link in links("docs/README.md")}
    there = {page for page in PAGES if page.startswith("docs/") and "/decisions/" not in page}
    assert there - {"docs/README.md", "docs/pictures/README.md"} <= listed


def test_a_page_has_one_title_and_no_line_is_too_long() -> None:
    for page, text in pages().items():
        titles = [token for token in tokens(page) if token.type == "heading_open" and token.tag == "h1"]
        assert len(titles) == 1, page
        assert not re.search(r"[ \t]+$", text, re.MULTILINE), page


def test_blocks_are_found() -> None:
    assert len(shell_blocks()) > 20


def test_the_exit_statuses_that_pages_speak_of_are_there() -> None:
    (line,) = re.findall(r"tells the\s+outcome: ([^;]+);", pages()["README.md"])
    said = re.findall(r"(\d+) ([A-Za-z-]+)", line)
    names = {"GO": 0, "NO-GO": 1, "a": 2, "no": 3, "QA": 4, "UNKNOWN": 8}
    assert [names[word] for _, word in said] == [int(number) for number, _ in said]
    rows = re.findall(r"^\| (\d[\d, ]*) \|", pages()["docs/ci.md"], re.MULTILINE)
    known = {int(status) for status in ExitStatus}
    assert rows and {int(word) for row in rows for word in row.split(",")} <= known


def test_shell_scripts_and_yaml_files_of_the_root_can_be_parsed() -> None:
    scripts = [ROOT / ".ci/run", *(ROOT / "tools").rglob("*.sh")]
    for path in scripts:
        assert subprocess.run(["bash", "-n", path], check=False).returncode == 0, path
    files = [*ROOT.glob(".*.yaml"), *(ROOT / "ci").iterdir(), *(ROOT / "config-yaml").glob("*.yaml")]
    for path in files:
        assert list(yaml.safe_load_all(path.read_text())), path
