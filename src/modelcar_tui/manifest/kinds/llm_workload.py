"""One workload of an LLMInferenceService: what it says, and which of KServe's configurations lies below."""

from __future__ import annotations

from dataclasses import dataclass

from modelcar_tui.kube import whole
from modelcar_tui.manifest.kinds.llm_names import Names
from modelcar_tui.manifest.kinds.llm_presets import PREFIX, Role, Shape, config_name
from modelcar_tui.manifest.kinds.objects import below
from modelcar_tui.manifest.kinds.places import Path
from modelcar_tui.manifest.kinds.pods import texts
from modelcar_tui.manifest.spans import Mapping
from modelcar_tui.manifest.telling import Told


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """`spec`, or `spec.prefill`: what the service itself says, and with what it is merged."""

    role: Role
    document: int
    path: Path
    """Of it in the file; it need not be there."""
    own: Mapping | None
    """What the service itself says; None where only a configuration has it."""
    above: Mapping
    """The mapping in which `own` stands or would stand: the specification, or the object."""
    laid: Mapping
    """With the configurations of `baseRefs` below it."""
    preset: Mapping | None
    """KServe's own configuration where the file itself has it; else it is known by release."""
    lora: tuple[str, ...]
    """The arguments that the controller writes for `model.lora`."""
    names: Names
    old: bool
    """Whether releases serve its API version whose script stands in `args`."""
    told: Told

    @property
    def shape(self) -> Shape:
        """Which of KServe's configurations is merged in: `combineBaseRefsConfig` in config_merge.go."""
        sizes = texts(below(self.laid, "parallelism"))
        if below(self.laid, "worker") is None:
            return Shape.SINGLE
        if any((whole(sizes.get(key)) or 0) > 0 for key in ("data", "dataLocal")):
            return Shape.DATA
        return Shape.PIPELINE if (whole(sizes.get("pipeline")) or 0) > 0 else Shape.NONE

    @property
    def config(self) -> str:
        """The name of that configuration; empty where there is none."""
        name = config_name(self.role, self.shape)
        return f"{PREFIX}{name}" if name else ""

    @property
    def node(self) -> Mapping:
        """Where a problem of it is shown."""
        return self.own if self.own is not None else self.above
