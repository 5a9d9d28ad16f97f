"""What screens tell the app: Textual's messages go up. What a key opens is asked of `board.Opening`."""

from __future__ import annotations

from textual.message import Message


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
