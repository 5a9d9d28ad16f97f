"""Arguments that open a door: code from the image, secrets in clear text, files of the server."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modelcar_tui.advice.lint.remarks import NOTE, WARNING, Remarks
from modelcar_tui.manifest import is_reference
from modelcar_tui.vllm import known_arguments
from modelcar_tui.vllm.arguments import Argument

REMOTE_CODE = "--trust-remote-code"
_DOORS = {
    "--allowed-local-media-path": "requests may read files of the server below it",
    "--trust-request-chat-template": "requests may bring templates that the server executes",
    "--enable-prompt-embeds": "requests may bring tensors that crash the server",
    "--tool-parser-plugin": "it loads Python from a path",
    "--reasoning-parser-plugin": "it loads Python from a path",
    "--logits-processors": "it imports Python by name",
    "--middleware": "it imports Python by name",
    "--worker-cls": "it imports Python by name",
    "--worker-extension-cls": "it imports Python by name",
}


def lint_security(
    arguments: tuple[Argument, ...], config: Mapping[str, Any] | None, remarks: Remarks
) -> None:
    """Remote code where it isn't needed, secrets in the manifest, doors to the server's files."""
    for argument in arguments:
        if argument.flag is None or argument.negated:
            continue
        name = argument.name
        if name == REMOTE_CODE:
            needed, why = needs_remote_code(config)
            if needed is False:
                remarks.on(
                    argument,
                    "remote-code",
                    WARNING,
                    f"{name} runs Python from the model image and {why}",
                    "delete it",
                )
            else:
                remarks.on(
                    argument,
                    "remote-code",
                    NOTE,
                    f"{name} runs Python from the model image; {why}",
                    "keep it only for images that you trust",
                )
        elif argument.secret and not is_reference(argument.value or ""):
            remarks.on(
                argument,
                "secret-in-clear",
                WARNING,
                f"{name} puts a secret into the manifest, the pod's command line and the logs",
                "pass it as an environment variable from a Secret",
            )
        elif name in _DOORS:
            remarks.on(
                argument, "open-door", WARNING, f"{name}: {_DOORS[name]}", "delete it unless it is needed"
            )


def needs_remote_code(config: Mapping[str, Any] | None) -> tuple[bool | None, str]:
    """Whether the model needs `--trust-remote-code` (None: not known), and why."""
    if config is None:
        return None, "whether the model needs it is not known without its config.json"
    names = config.get("architectures")
    listed = [str(name) for name in names[:4]] if isinstance(names, list) else []
    needing = [name for name in listed if name in known_arguments().needs_remote_code]
    if needing:
        return True, f"vLLM's own tests use it for {needing[0]}"
    if config.get("auto_map"):
        return None, "config.json names code of its own (auto_map), so the model may need it"
    return (
        False,
        f"{listed[0] if listed else 'this architecture'} does not need it (config.json has no auto_map)",
    )
