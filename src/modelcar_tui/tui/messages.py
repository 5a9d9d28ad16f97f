"""What screens tell the app: Textual's messages go up, nothing in a screen calls the app."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.message import Message

if TYPE_CHECKING:
    from modelcar_tui.tui.patterns import Filter


class ScreenAsked(Message):
    """Another screen is wanted, by its name in `screens.opening`."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name


class WhyAsked(Message):
    """Where the numbers of a panel come from; `chosen` is the panel's own filter."""

    def __init__(self, topic: str, chosen: Filter | None = None) -> None:
        super().__init__()
        self.topic = topic
        self.chosen = chosen


class QuitAsked(Message):
    """The operator wants to leave."""


class Said(Message):
    """One line for the footer."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text


class Copied(Message):
    """Text for the operator's clipboard."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text


class ThemeChosen(Message):
    """Another theme, by its name."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name
