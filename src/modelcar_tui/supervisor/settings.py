"""What one run was asked to do. No secret is in here: it is written into the run's folder."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from difflib import get_close_matches
from enum import StrEnum
from pathlib import Path
from typing import Any

import msgspec
import platformdirs

from modelcar_tui.core.decode import convert
from modelcar_tui.core.errors import Problem, UserError

LLM_WAIT_S = 2.0
"""Seconds: a silent language model costs a run at most 3 with what stopping it takes."""


class Approve(StrEnum):
    """How a plan is answered."""

    ASK = "ask"
    """By the operator, from the keyboard."""
    ALL = "all"
    NONE = "none"
    """Rejected by the command line; exit status 5."""
    SHOW = "show"
    """Headless default: the plan is printed, nothing is written, the base manifest goes on."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """The options of one run, as the command line or the embedding program gave them."""

    manifest: str
    demo: bool = False
    gpus: tuple[str, ...] = ()
    """What-if units, `PRODUCT:COUNT[@NODES]`."""
    inventory: str | None = None
    """A Kubernetes NodeList in JSON or YAML instead of a cluster."""
    kubeconfig: str | None = None
    """Path or `KUBECONFIG` list; None finds it as kubectl does."""
    kube_context: str | None = None
    namespace: str | None = None
    """Where models are to be served, whose limits count; None takes the context's."""
    qa: bool = True
    qa_image: str | None = None
    """None takes the tag of the cluster's release."""
    qa_timeout_s: float | None = None
    """Limit of the whole suite; None works it out from the images' sizes."""
    qa_network: str | None = None
    """podman's `--network`."""
    qa_memory: str | None = None
    """podman's `--memory`."""
    qa_pull: str = "missing"
    """podman's `--pull`."""
    qa_engine: str = "podman"
    """`podman` on this machine, or `kubernetes`: a Job in `qa_namespace`."""
    qa_namespace: str | None = None
    qa_service_account: str | None = None
    qa_run_as: int | None = None
    """User id of the Job's pod; None leaves it to the cluster, or to the image."""
    qa_image_pull_secrets: tuple[str, ...] = ()
    """Secrets of `qa_namespace` that the suite's image is pulled with."""
    qa_arch: str | None = None
    """`kubernetes.io/arch` of the Job's node, or `any`; None is the published image's."""
    qa_tolerations: tuple[str, ...] = ()
    """Taints that the Job's pod tolerates, `KEY[=VALUE][:EFFECT]`."""
    qa_queue: str | None = None
    """Kueue's LocalQueue for the Job."""
    qa_parallel: int | None = None
    """An indexed Job, one index a model, so many at a time; None puts all models into one pod."""
    qa_recording: str | None = None
    """A recorded QA log that is played instead of running podman (demo and replay)."""
    approve: Approve = Approve.ASK
    patch: bool = False
    """Also write the diff as a `.patch` file beside the generated manifest."""
    force: bool = False
    """Without a screen: replace a generated file that this run did not write, and keep a copy of it."""
    timeout_s: float | None = None
    """Limit of the whole run."""
    state_dir: str | None = None
    """Where run folders are kept; the user's state folder by default."""
    authfile: str | None = None
    registries_conf: str | None = None
    vllm_version: str | None = None
    objective: str = "minimal"
    """What the solver aims at: `minimal`, `context`, `concurrency` or `gpus`."""
    model: str | None = None
    """Language model as `provider:name`; None uses the default when a key is there."""
    model_url: str | None = None
    """Endpoint of the language model, such as a vLLM of your own (`http://HOST/v1`)."""
    llm_wait_s: float = LLM_WAIT_S
    """Limit of what the run waits for a language model that says nothing."""
    llm: bool | None = None
    """Whether a language model may be asked: True in this run alone, wherever it is; None where the
    operator's settings file allows its host; False nowhere."""
    who: str = ""

    @property
    def runs_folder(self) -> Path:
        """The folder that holds one folder a run."""
        base = self.state_dir or os.environ.get("MODELCAR_TUI_STATE_DIR")
        return (Path(base) if base else platformdirs.user_state_path("modelcar-tui")) / "runs"

    def for_resume(self, given: Settings) -> Settings:
        """These settings of an earlier run, with what may be said anew: `--force`, `--llm` and `--no-llm`."""
        later = self.for_later()
        llm = later.llm if given.llm is None else given.llm
        return msgspec.structs.replace(later, force=self.force or given.force, llm=llm)

    def for_later(self) -> Settings:
        """These settings without a consent, which was for that run alone."""
        return msgspec.structs.replace(self, llm=False if self.llm is False else None)


def settings_of(
    config: str | os.PathLike[str] | Mapping[str, Any] | Settings, options: Mapping[str, Any]
) -> Settings:
    """Of a manifest's path, of settings, or of settings as plain data, with `options` above them.

    Raises:
        UserError: there is no such option, or its value is of another type.
    """
    if isinstance(config, Settings):
        typed = _typed({"manifest": config.manifest, **options})
        return msgspec.structs.replace(config, **{name: getattr(typed, name) for name in options})
    if isinstance(config, Mapping):
        return _typed({**config, **options})
    return _typed({"manifest": config, **options})


def _typed(options: Mapping[str, Any]) -> Settings:
    """Plain data as settings; a path may be one of `pathlib`."""
    if unknown := [name for name in options if name not in Settings.__struct_fields__]:
        near = get_close_matches(unknown[0], Settings.__struct_fields__, 1)
        fix = f"did you mean {near[0]}?" if near else "Settings has all options"
        raise UserError(Problem(where=unknown[0], what="there is no such option", fix=fix))
    plain = {
        name: os.fspath(value) if isinstance(value, os.PathLike) else value for name, value in options.items()
    }
    try:
        return convert(plain, Settings)
    except msgspec.ValidationError as error:
        found = re.search(r"`\$\.(\w+)", str(error))
        name = found[1] if found else "manifest"
        what = f"is no {Settings.__annotations__[name]}"
        raise UserError(Problem(where=name, what=what, fix="give a value of that type")) from None
