"""What KServe puts into the texts of an LLMInferenceService, which it fills as a Go template.

`ReplaceVariables` in pkg/controller/v1alpha2/llmisvc/config_merge.go. What a plain name stands for is known
here; any other action only the cluster fills.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_ACTION = re.compile(r"\{\{([^{}]{1,300})\}\}")
_CHILD = re.compile(r"ChildName \.(?:ObjectMeta\.)?Name [`\"]([a-z0-9-]{1,60})[`\"]")
_LONGEST = 63
"""Above which Kubernetes' `ChildName` shortens a name by a hash."""
_FIRST, _MOST = 0xE000, 0x1900
_STANDS_IN = re.compile(r"([\ue000-\uf8ff])\1*")


@dataclass(frozen=True, slots=True)
class Names:
    """The names by which a template may call a service."""

    model: str
    name: str
    namespace: str
    """Empty where the file does not say it."""

    def filled(self, text: str) -> str:
        """The text with what is known put in; the rest as it is written."""
        return _ACTION.sub(self._value, text) if "{{" in text else text

    def unfilled(self, text: str) -> str:
        """The first action of a text that only the cluster fills; empty where there is none."""
        found = _ACTION.search(self.filled(text)) if "{{" in text else None
        return found[0] if found else ""

    def _value(self, match: re.Match[str]) -> str:
        action = match[1].strip().removeprefix("-").removesuffix("-").strip()
        if child := _CHILD.fullmatch(action):
            made = f"{self.name}{child[1]}"
            return made if len(made) <= _LONGEST else match[0]
        known = {
            ".Spec.Model.Name": self.model,
            ".ObjectMeta.Name": self.name,
            ".Name": self.name,
            ".ObjectMeta.Namespace": self.namespace,
            ".Namespace": self.namespace,
        }
        return known.get(action) or match[0]


def hidden(text: str) -> tuple[str, tuple[str, ...]]:
    """The text with signs of no meaning for each action, as many as it has, so that a shell's rules are not
    tried on it; and the actions."""
    if "{{" not in text or _STANDS_IN.search(text):
        return text, ()
    actions: list[str] = []

    def stand_in(match: re.Match[str]) -> str:
        actions.append(match[0])
        return chr(_FIRST + len(actions) - 1) * len(match[0])

    return _ACTION.sub(stand_in, text, count=_MOST), tuple(actions)


def shown(text: str, actions: tuple[str, ...]) -> str:
    """The text with its actions again."""
    return _STANDS_IN.sub(lambda match: actions[ord(match[1]) - _FIRST], text) if actions else text
