"""Arguments that the serving runtime's template passes, too.

KServe puts a model's own arguments behind the runtime's (MergeRuntimeContainers), and the last one counts for
argparse: the same value says nothing new, another one takes the template's place.
"""

from __future__ import annotations

import re

from modelcar_tui.advice.lint.remarks import NOTE, WARNING, Remarks
from modelcar_tui.vllm import known_arguments
from modelcar_tui.vllm.arguments import Argument

PORT, MODEL, NAME = "--port", "--model", "--served-model-name"
_PLACEHOLDER = re.compile(r"\{\{\s*\.Name\s*\}\}")
"""KServe puts the InferenceService's own name there."""
_USUAL = {PORT: "8080", MODEL: "/mnt/models"}
"""What the templates of OpenShift AI pass; the name is the InferenceService's own."""


def lint_template(arguments: tuple[Argument, ...], template: tuple[Argument, ...], remarks: Remarks) -> None:
    """What is given again, and what becomes of the template's own value.

    Args:
        arguments: the model's.
        template: those that the serving runtime passes by itself; empty where they are not known.
    """
    passed: dict[str, Argument | None] = dict.fromkeys(known_arguments().template_flags)
    passed |= {argument.name: argument for argument in template if argument.is_flag and not argument.dotted}
    for name, counts in {argument.name: argument for argument in arguments if not argument.dotted}.items():
        if name not in passed or counts.flag is None:
            continue
        before = passed[name]
        if _same(counts, before):
            what = f"the serving runtime's template passes {name}={counts.value} already"
            remarks.on(counts, "template-flag", NOTE, what.replace("=None", ""), "it may go")
        elif counts.value is not None:
            _instead(counts, counts.value, before.value if before else None, remarks)


def _same(argument: Argument, before: Argument | None) -> bool:
    if before is None:
        return argument.value is not None and argument.value == _USUAL.get(argument.name)
    return (argument.value, argument.negated) == (before.value, before.negated)


def _instead(argument: Argument, value: str, before: str | None, remarks: Remarks) -> None:
    """What another value of the template's three arguments means; any other is an ordinary choice."""
    usual = before or _USUAL.get(argument.name, "")
    if argument.name == NAME:
        if _PLACEHOLDER.fullmatch(value):
            return
        names = " or ".join(value.split())
        what = f"it renames the model: clients ask for {names}, no longer for the InferenceService's name"
        remarks.on(argument, "model-renamed", NOTE, what, "tell it to clients and to whatever tests it")
    elif argument.name == PORT:
        what = (
            f"it moves the server to port {value}: probe and Service look for it where the runtime's "
            f"container says, as a rule at {usual}"
        )
        remarks.on(argument, "port-moved", NOTE, what, "let the container's port be the same")
    elif argument.name == MODEL:
        _other_model(argument, value, usual, remarks)


def _other_model(argument: Argument, value: str, usual: str, remarks: Remarks) -> None:
    if value.startswith(usual.rstrip("/") + "/"):
        what = f"vLLM serves {value} out of the model image instead of {usual}"
        remarks.on(argument, "model-replaced", NOTE, what)
    else:
        what = f"vLLM serves {value}, not the model image at {usual}, which is what is judged here"
        remarks.on(argument, "model-replaced", WARNING, what, "name the model by `image`")
