"""docs/mcp.md against the server: configurations that start it, tools and what they are asked, limits."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from modelcar_tui.agent import parser
from modelcar_tui.mcp.inputs import MOST_TEXT
from modelcar_tui.mcp.lines import MOST_LINE
from modelcar_tui.mcp.serving import AT_ONCE, WAITING
from modelcar_tui.mcp.tools import TOOLS

PAGE = (Path(__file__).parents[3] / "docs/mcp.md").read_text()
BLOCKS = re.findall(r"^```json\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("block", BLOCKS)
def test_a_configuration_starts_the_server(block: str) -> None:
    ((_, servers),) = json.loads(block).items()
    (server,) = servers.values()
    words = [server["command"], *server["args"]]
    words = words[words.index("agent") + 1 :]
    assert parser().parse_args(words).command == "mcp"


def test_the_page_shows_three_of_them() -> None:
    assert len(BLOCKS) == 3


@pytest.mark.parametrize("tool", TOOLS.values(), ids=TOOLS)
def test_the_page_tells_what_a_tool_is_asked(tool) -> None:
    (row,) = re.findall(rf"^\| `{tool.name}` \|(.*)\|$", PAGE, re.MULTILINE)
    asked = row.split("|")[0]
    assert [name for name in tool.takes.model_fields if f"`{name}`" not in asked] == []


def test_the_limits_are_those_of_the_server() -> None:
    assert (AT_ONCE, WAITING, MOST_TEXT, MOST_LINE) == (4, 32, 1024**2, 4 * 1024**2)
    assert {tool.limit_s for tool in TOOLS.values()} == {60, 150, 200}
