"""The pages that an operator reads, taken apart by markdown-it: blocks with their notes, links, anchors."""

from __future__ import annotations

import functools
import re
import subprocess
from pathlib import Path
from typing import NamedTuple

from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = ("agent", "modelcar-tui")
_OTHERS = re.compile(
    r"awk|cat|cd|chmod|cp|curl|df|echo|export|for|getsubids|git|grep|head|id|if|install|jq|kubectl|less|loginctl|ls"
    r"|make|man|mkdir|mypy|nohup|npx|oc|pip|podman|pytest|python3?|rm|scp|set|skopeo|source|ssh|sudo|systemctl|tail"
    r"|tar|tmux|unset|usermod|uv|xdg-open"
)
"""Other first words of an indented block of commands."""
_NOTE = re.compile(r"<!--\s*(not run|status|output|file)\b:?\s*(.*?)\s*-->", re.DOTALL)


class Block(NamedTuple):
    """A fenced or indented block of a page."""

    page: str
    line: int
    """Of its first line, counted from 1."""
    language: str
    """As a fence names it; of an indented block `shell` where its first word is a program, else empty."""
    text: str
    note: str
    """`not run`, `status`, `output` or `file`, of the comment right before it; else empty."""
    told: str
    """What the comment says behind that word."""

    @property
    def place(self) -> str:
        """Where it stands, as an editor opens it."""
        return f"{self.page}:{self.line}"


class Link(NamedTuple):
    """Where a link or a picture of a page points to."""

    page: str
    line: int
    target: str


@functools.cache
def pages() -> dict[str, str]:
    """README and all of docs/ by their paths from the root, each with its text."""
    found = [
        ROOT / "README.md",
        ROOT / "CONTRIBUTING.md",
        ROOT / "SECURITY.md",
        *sorted((ROOT / "docs").rglob("*.md")),
    ]
    return {str(path.relative_to(ROOT)): path.read_text("utf-8") for path in found}


@functools.cache
def tokens(page: str) -> tuple[Token, ...]:
    """A page as markdown-it takes it apart, tables included."""
    text = pages().get(page) or (ROOT / page).read_text("utf-8")
    return tuple(MarkdownIt("commonmark").enable("table").parse(text))


def blocks(page: str) -> list[Block]:
    """The blocks of a page, in its order."""
    found, note = [], ("", "")
    for token in tokens(page):
        if token.type == "html_block":
            told = _NOTE.search(token.content)
            note = (told[1], " ".join(told[2].split())) if told else ("", "")
        elif token.type in ("fence", "code_block"):
            line = (token.map or [0])[0] + (2 if token.type == "fence" else 1)
            found.append(Block(page, line, _language(token), token.content, *note))
            note = ("", "")
        elif token.type not in ("paragraph_close",):
            note = ("", "")
    return found


def shell_blocks() -> list[Block]:
    """Every block of commands."""
    return [block for page in pages() for block in blocks(page) if block.language == "shell"]


def links(page: str) -> list[Link]:
    """Links and pictures."""
    found = []
    for token in tokens(page):
        for child in token.children or ():
            target = child.attrGet("href") or child.attrGet("src")
            if target:
                found.append(Link(page, (token.map or [0])[0] + 1, str(target)))
    return found


def anchors(page: str) -> set[str]:
    """The anchors of headings, as GitHub makes them; a second one of a name ends in -1."""
    seen: dict[str, int] = {}
    for before, token in zip(tokens(page), tokens(page)[1:], strict=False):
        if before.type == "heading_open":
            words = "".join(child.content for child in token.children or ())
            slug = re.sub(r"[^\w\- ]", "", words.lower()).replace(" ", "-")
            seen[slug] = seen.get(slug, -1) + 1
            if seen[slug]:
                seen[f"{slug}-{seen[slug]}"] = 0
    return set(seen)


def code_words(page: str) -> list[tuple[int, str]]:
    """What stands between backticks in running text and in tables, each with its line."""
    return [
        ((token.map or [0])[0] + 1, child.content)
        for token in tokens(page)
        for child in token.children or ()
        if child.type == "code_inline"
    ]


def commands(text: str) -> list[str]:
    """The commands of a shell block: as many lines as bash needs for each."""
    found: list[str] = []
    lines: list[str] = []
    for line in text.splitlines():
        if not lines and (not line.strip() or line.lstrip().startswith("#")):
            continue
        lines.append(line)
        whole = "\n".join(lines)
        if not line.endswith("\\") and bash_takes(whole):
            found.append(whole)
            lines = []
    return [*found, *(["\n".join(lines)] if lines else [])]


@functools.cache
def bash_takes(text: str) -> bool:
    """Whether bash can parse it."""
    done = subprocess.run(["bash", "-n", "-c", text], capture_output=True, check=False)
    return done.returncode == 0 and b"here-document" not in done.stderr


def _language(token: Token) -> str:
    if token.type == "fence":
        name = (token.info.split() or [""])[0]
        return "shell" if name in ("sh", "bash", "shell", "console") else name
    lines = [
        line for line in token.content.splitlines() if line.strip() and not line.lstrip().startswith("#")
    ]
    words = lines[0].split() if lines else []
    while words and re.fullmatch(r"[A-Z_]+=\S*", words[0]):
        words.pop(0)
    return "shell" if words and (words[0] in PROGRAMS or _OTHERS.fullmatch(words[0])) else ""
