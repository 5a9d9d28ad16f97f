"""What may stand in the operator's settings file: the one table of options, variables and defaults.

A setting describes the place or the operator. What describes one run (its manifest, `--approve`, `--force`,
`--resume`, an output's form) is none.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import TypeAlias

import msgspec

THEMES = ("dark", "light", "colour-blind", "ansi", "mono")
"""The themes that are ours; an operator's own come beside them."""
ASCII = ("auto", "always", "never")
OBJECTIVES = ("minimal", "context", "concurrency", "gpus")
ENGINES = ("podman", "kubernetes")
PULLS = ("missing", "always", "newer", "never")
MODEL_HOST = r"[\w.:%-]{1,255}"
"""A host that a language model is asked at, with its port where that is not the one of https."""
_PREFIX = "MODELCAR_TUI_"


Value: TypeAlias = str | bool | float | tuple[str, ...]
"""Of a setting."""
Check: TypeAlias = Callable[[str, str], str]
"""Of a setting's name and its value as it would be typed: what its option finds wrong, or the empty text."""


class Kind(StrEnum):
    """What a value may be."""

    CHOICE = "one of a few words"
    TRUTH = "true or false"
    PATH = "a whole path"
    PATHS = "whole paths with : between them"
    TEXT = "a text"
    TEXTS = "a list of texts"
    SECONDS = "seconds"
    WHOLE = "a whole number"


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """One setting: what its value may be, the option and the variable that stand for it, and its default."""

    kind: Kind
    what: str
    """In one line; what follows a `;` is the default where nobody can say it as a value."""
    default: str | bool | int | None = None
    """None: found out on the spot, or none."""
    choices: tuple[str, ...] = ()
    option: str = ""
    """As it is typed; of a switch the form that says yes. Empty where there is none."""
    dest: str = ""
    """What the option sets in the parsed command line; mostly a field of a run's `Settings`."""
    variable: str = ""
    """Of the environment, where it is not the setting's name."""
    in_demo: bool = False
    """Whether a demo hears it: its cluster, registry and recording are its own."""
    in_profiles: bool = True


KEYS: dict[str, Key] = {
    "theme": Key(
        kind=Kind.CHOICE,
        choices=THEMES,
        default="dark",
        option="--theme",
        dest="theme",
        in_demo=True,
        what="colours of the screen, or a theme of your own",
    ),
    "ascii": Key(
        kind=Kind.CHOICE,
        choices=ASCII,
        default="auto",
        option="--ascii",
        dest="ascii",
        in_demo=True,
        what="whether no sign beyond ASCII is drawn; auto: by the locale",
    ),
    "mouse": Key(
        kind=Kind.TRUTH,
        option="--mouse",
        dest="mouse",
        in_demo=True,
        what="whether the mouse is heard; on, off over SSH",
    ),
    "low-bandwidth": Key(
        kind=Kind.TRUTH,
        default=False,
        option="--low-bandwidth",
        dest="low_bandwidth",
        in_demo=True,
        what="repaint at most twice a second",
    ),
    "profile": Key(
        kind=Kind.TEXT,
        option="--profile",
        dest="profile",
        in_demo=True,
        in_profiles=False,
        what="which table of [profiles] counts; none",
    ),
    "context": Key(
        kind=Kind.TEXT,
        option="--context",
        dest="kube_context",
        what="the kubeconfig's context; its current one",
    ),
    "kubeconfig": Key(
        kind=Kind.PATHS,
        option="--kubeconfig",
        dest="kubeconfig",
        what="the login to the cluster; as kubectl finds it",
    ),
    "namespace": Key(
        kind=Kind.TEXT,
        option="--namespace",
        dest="namespace",
        what="where models are to be served; the context's",
    ),
    "gpus": Key(
        kind=Kind.TEXTS,
        option="--gpu",
        dest="gpus",
        what="these GPUs instead of the cluster's, each PRODUCT:COUNT[@NODES]; the cluster's",
    ),
    "inventory": Key(
        kind=Kind.PATH,
        option="--inventory",
        dest="inventory",
        what="a Kubernetes NodeList instead of the cluster; none",
    ),
    "vllm": Key(
        kind=Kind.TEXT,
        option="--vllm",
        dest="vllm_version",
        what="the release of vLLM that models are judged by; the runtime image's",
    ),
    "objective": Key(
        kind=Kind.CHOICE,
        choices=OBJECTIVES,
        default="minimal",
        option="--objective",
        dest="objective",
        what="what proposed arguments aim at",
    ),
    "patch": Key(
        kind=Kind.TRUTH,
        default=False,
        option="--patch",
        dest="patch",
        what="also write the diff beside the generated manifest",
    ),
    "timeout": Key(
        kind=Kind.SECONDS, option="--timeout", dest="timeout_s", what="limit of the whole run; none"
    ),
    "paths.state-dir": Key(
        kind=Kind.PATH,
        option="--state-dir",
        dest="state_dir",
        variable="MODELCAR_TUI_STATE_DIR",
        in_demo=True,
        what="where run folders are kept, in runs/ under it; ~/.local/state/modelcar-tui",
    ),
    "paths.cache-dir": Key(
        kind=Kind.PATH,
        variable="MODELCAR_TUI_CACHE_DIR",
        in_demo=True,
        what="facts of images; ~/.cache/modelcar-tui",
    ),
    "paths.data-dir": Key(
        kind=Kind.PATH,
        variable="MODELCAR_TUI_DATA_DIR",
        in_demo=True,
        what="measured starts, in measurements/ under it; ~/.local/share/modelcar-tui",
    ),
    "runs.keep-days": Key(
        kind=Kind.WHOLE,
        default=90,
        in_demo=True,
        what="days that an ended run is kept before a new run removes it (0: for ever)",
    ),
    "runs.keep-size": Key(
        kind=Kind.TEXT,
        default="2GiB",
        in_demo=True,
        what="how much all runs may hold before the oldest ended ones go (0: any size)",
    ),
    "registry.authfile": Key(
        kind=Kind.PATH,
        option="--authfile",
        dest="authfile",
        what="logins to registries; as skopeo finds it",
    ),
    "registry.registries-conf": Key(
        kind=Kind.PATH,
        option="--registries-conf",
        dest="registries_conf",
        what="remaps and mirrors of registries; as podman finds it",
    ),
    "qa.enabled": Key(
        kind=Kind.TRUTH,
        default=True,
        option="--qa",
        dest="qa",
        what="whether opendatahub-tests is run",
    ),
    "qa.image": Key(
        kind=Kind.TEXT,
        option="--qa-image",
        dest="qa_image",
        what="image of opendatahub-tests; the tag of the cluster's release",
    ),
    "qa.timeout": Key(
        kind=Kind.SECONDS,
        option="--qa-timeout",
        dest="qa_timeout_s",
        what="limit of the whole suite; from the images' sizes",
    ),
    "qa.engine": Key(
        kind=Kind.CHOICE,
        choices=ENGINES,
        default="podman",
        option="--qa-engine",
        dest="qa_engine",
        what="where QA runs",
    ),
    "qa.namespace": Key(
        kind=Kind.TEXT,
        option="--qa-namespace",
        dest="qa_namespace",
        what="existing namespace of the QA Job (kubernetes); none",
    ),
    "qa.service-account": Key(
        kind=Kind.TEXT,
        option="--qa-service-account",
        dest="qa_service_account",
        what="of the QA Job's pod; the namespace's default",
    ),
    "qa.run-as": Key(
        kind=Kind.WHOLE,
        option="--qa-run-as",
        dest="qa_run_as",
        what="user id of the QA Job's pod; the namespace's, else the image's",
    ),
    "qa.image-pull-secrets": Key(
        kind=Kind.TEXTS,
        option="--qa-image-pull-secret",
        dest="qa_image_pull_secrets",
        what="names of Secrets of the QA Job's namespace that may pull its image; none",
    ),
    "qa.arch": Key(
        kind=Kind.TEXT,
        option="--qa-arch",
        dest="qa_arch",
        what="kubernetes.io/arch of the QA Job's node, or any; amd64 for the published image",
    ),
    "qa.tolerations": Key(
        kind=Kind.TEXTS,
        option="--qa-toleration",
        dest="qa_tolerations",
        what="taints that the QA Job's pod tolerates, each KEY[=VALUE][:EFFECT]; none",
    ),
    "qa.queue": Key(
        kind=Kind.TEXT, option="--qa-queue", dest="qa_queue", what="Kueue LocalQueue of the QA Job; none"
    ),
    "qa.parallel": Key(
        kind=Kind.WHOLE,
        option="--qa-parallel",
        dest="qa_parallel",
        what="models at a time, each in a pod of its own; all in one pod",
    ),
    "qa.network": Key(
        kind=Kind.TEXT, option="--qa-network", dest="qa_network", what="podman's --network; podman's own"
    ),
    "qa.memory": Key(
        kind=Kind.TEXT,
        option="--qa-memory",
        dest="qa_memory",
        what="podman's --memory, such as 4g; no limit",
    ),
    "qa.pull": Key(
        kind=Kind.CHOICE,
        choices=PULLS,
        default="missing",
        option="--qa-pull",
        dest="qa_pull",
        what="podman's --pull",
    ),
    "llm.enabled": Key(
        kind=Kind.TRUTH,
        option="--llm",
        dest="llm",
        in_demo=True,
        what="whether a language model may be asked where there is a key; yes, at allowed hosts",
    ),
    "llm.model": Key(
        kind=Kind.TEXT,
        option="--model",
        dest="model",
        in_demo=True,
        what="language model for questions in any words, PROVIDER:NAME; by the key that is there",
    ),
    "llm.url": Key(
        kind=Kind.TEXT,
        option="--model-url",
        dest="model_url",
        in_demo=True,
        what="its endpoint, such as a vLLM of your own; the provider's",
    ),
    "llm.wait": Key(
        kind=Kind.SECONDS,
        option="--llm-wait",
        dest="llm_wait_s",
        in_demo=True,
        what="how long a run waits for a language model that says nothing; 2 s",
    ),
    "llm.allowed-hosts": Key(
        kind=Kind.TEXTS,
        in_demo=True,
        in_profiles=False,
        what="hosts at which a language model may be asked, each HOST[:PORT]; none",
    ),
    "llm.refused-hosts": Key(
        kind=Kind.TEXTS,
        in_demo=True,
        in_profiles=False,
        what="hosts at which none may be asked, nor is it offered; none",
    ),
}
"""By name, with the table that holds it in front."""


def variable_of(name: str) -> str:
    """The variable of the environment that stands for a setting: `MODELCAR_TUI_QA_IMAGE` for `qa.image`."""
    return KEYS[name].variable or _PREFIX + name.upper().replace(".", "_").replace("-", "_")


def default_said(name: str) -> str:
    """The default in words, as `docs/settings.md` and `agent config` tell it."""
    key = KEYS[name]
    if key.default is None:
        return key.what.partition("; ")[2]
    return str(key.default).lower() if isinstance(key.default, bool) else str(key.default)


def described(name: str) -> str:
    """What a setting is for, without its default."""
    return KEYS[name].what.partition("; ")[0]


ROLES = {
    "text": "plain text",
    "muted": "text of less weight",
    "faint": "the least of all",
    "frame": "frames of panels",
    "focus": "the frame of the panel that hears keys",
    "title": "titles of panels",
    "accent": "what can be chosen",
    "strong": "what matters most in a line",
    "ok": "GO, passed",
    "bad": "NO-GO, failed",
    "warn": "UNKNOWN, warnings",
    "run": "what is running",
    "wait": "what waits",
    "skip": "what was left out",
    "go-block": "the verdict GO in the top line",
    "no-block": "the verdict NO-GO in the top line",
    "unknown-block": "the verdict UNKNOWN in the top line",
    "wait-block": "no verdict yet in the top line",
    "demo": "the word DEMO",
    "badge": "guesses and other badges",
    "need": "what is asked of you",
    "bar": "the footer",
    "key": "keys in the footer",
    "label": "words behind keys in the footer",
    "cursor": "the line under the cursor",
    "mark": "marked lines",
    "match": "what was searched for",
    "add": "lines that come in a diff",
    "del": "lines that go in a diff",
    "hunk": "places in a diff",
    "used": "the used part of a bar",
    "free": "the free part of a bar",
}
"""What a theme has a style for, and where it is seen."""
