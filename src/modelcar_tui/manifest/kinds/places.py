"""Where the arguments and the GPU counts of one thing to serve are written, for an edit by spans."""

from __future__ import annotations

from dataclasses import dataclass

from modelcar_tui.manifest.spans import Mapping, Scalar, Sequence

Path = tuple[str | int, ...]
"""Keys and indices from the root of a document to a value: `("spec", "containers", 0, "args")`."""


@dataclass(frozen=True, slots=True)
class ListPart:
    """Arguments that are items of a list (`args:`, the tail of `command:`)."""

    path: Path
    """Of the list."""
    seq: Sequence
    items: tuple[int, ...]
    """Which of its items are arguments, in order; the others (the program, the model) are left alone."""
    split: bool = False
    """Whether a shell splits each item once more, so that what is added is quoted for it."""


@dataclass(frozen=True, slots=True)
class TextPart:
    """Arguments that are words of one text: a shell script, a variable such as VLLM_ADDITIONAL_ARGS."""

    path: Path
    """Of the text."""
    node: Scalar
    spans: tuple[tuple[int, int], ...]
    """Where each argument stands in the text's value (not in the file): quotes included, first to behind
    last."""
    end: int
    """Where one more argument goes, as an offset in the value."""
    shell: bool = True
    """Whether a shell splits the words, so that what is added is quoted for it; else only blanks do."""


@dataclass(frozen=True, slots=True)
class CountPlace:
    """A number that says or repeats how many GPUs one pod gets, or how many ranks there are."""

    path: Path
    node: Scalar


@dataclass(frozen=True, slots=True)
class Place:
    """Where one thing to serve is written."""

    document: int
    """Index of its document in the file."""
    words: tuple[str, ...]
    """The arguments as they are, secrets in clear: one a list item or shell word. Never told."""
    parts: tuple[ListPart | TextPart, ...]
    """Where the words stand, in their order."""
    grows: Path
    """Where an argument that is added goes: the path of a part, or of a list that is not there yet."""
    parent: Mapping | None = None
    """The mapping that gets the new list, where `grows` names none that is there."""
    gpus: tuple[CountPlace, ...] = ()
    """`resources.limits` and `requests` of the accelerator: all are set to a new GPU count."""
    gpus_parent: Path | None = None
    """The container's path, where no GPU is asked for yet. It may not be there: see `variable`."""
    ranks: tuple[CountPlace, ...] = ()
    """Numbers that are the tensor parallel size of this one beside the arguments:
    `parallelism.tensor`, `workerSpec.tensorParallelSize`."""
    variable: str = ""
    """Where `grows` ends in `env`: the environment variable whose value gets what is added, as words for a
    shell. It is a new item of that list. The list, and the mappings above it up to `parent`, may not be there
    yet; a container that is not there is made with the name `main`."""
    repeats: tuple[Place, ...] = ()
    """Where the same is written once more, for the workers of a group: a change is made there, too."""
