"""What a release of OpenShift AI has, as far as a rendered object meets it.

Sources: red-hat-data-services/kserve, branches rhoai-2.25 to rhoai-3.5: pkg/constants/constants.go for the
deployment modes and the schemes; config/llmisvc (from 3.4 config/llmisvcconfig) config-llm-template.yaml for
what the preset of an LLMInferenceService reads; config/crd for the versions.
"""

from __future__ import annotations

import re

import msgspec

from modelcar_tui.core.errors import Problem, UserError

_NUMBER = re.compile(r"\b(\d{1,2})\.(\d{1,3})\b")
FIRST_LLM = (2, 25)
"""The first release with LLMInferenceServices."""
_STANDARD, _NATIVE, _LLM_ARGS, _LLM_TENSOR, _V1ALPHA2 = (3, 4), (3, 5), (3, 4), (3, 5), (3, 4)


class Release(msgspec.Struct, frozen=True, kw_only=True):
    """One release; where it is not known, what every release takes."""

    number: tuple[int, int] | None = None

    @property
    def name(self) -> str | None:
        """`3.4`; None where it is not known."""
        return None if self.number is None else f"{self.number[0]}.{self.number[1]}"

    def _has(self, since: tuple[int, int]) -> bool:
        return self.number is not None and self.number >= since

    @property
    def standard(self) -> str:
        """How `serving.kserve.io/deploymentMode` calls a plain Deployment. Later releases take the older
        word, too."""
        return "Standard" if self._has(_STANDARD) else "RawDeployment"

    @property
    def native(self) -> bool:
        """Whether `oci+native://` is known."""
        return self._has(_NATIVE)

    @property
    def llm_version(self) -> str:
        """API version of an LLMInferenceService. Later releases serve v1alpha1, too."""
        return "v1alpha2" if self._has(_V1ALPHA2) else "v1alpha1"

    @property
    def llm_args(self) -> bool:
        """Whether the preset hands the container's `args` to vLLM; before, they took the place of its
        script, and only VLLM_ADDITIONAL_ARGS was read."""
        return self._has(_LLM_ARGS)

    @property
    def llm_tensor(self) -> bool:
        """Whether the preset of one node reads `parallelism.tensor`."""
        return self._has(_LLM_TENSOR)

    @property
    def llm_probes(self) -> bool:
        """Whether the preset has a startup probe, whose port and scheme stand where it is only stretched."""
        return self._has(_LLM_ARGS)


def release_of(stated: str | None, of_cluster: str | None) -> Release:
    """The release that the operator states, else the cluster's.

    Args:
        stated: `3.4`, `2.25.1`.
        of_cluster: `OpenShift AI Self-Managed 3.4.0`; None where it is not known.

    Raises:
        UserError: what is stated is no release.
    """
    if stated is not None:
        match = re.fullmatch(r"v?(\d{1,2})\.(\d{1,3})(?:\.\d{1,3})?", stated.strip())
        if match is None:
            what = f"{stated!r} is no release of OpenShift AI"
            raise UserError(Problem(where="--release", what=what, fix="give one such as 2.25 or 3.4"))
        return Release(number=(int(match[1]), int(match[2])))
    found = _NUMBER.search(of_cluster or "")
    return Release(number=None if found is None else (int(found[1]), int(found[2])))
