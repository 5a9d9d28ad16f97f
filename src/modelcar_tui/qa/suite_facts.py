"""What one release branch of the suite accepts, reads and makes: facts of their own, bundled by nothing.

`suite_branches.json` is derived from the suite's sources (`tools/suite_facts.py`); each row has its commit.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable
from functools import cache
from importlib import resources

import msgspec

from modelcar_tui.core.decode import decode

IMAGE = "quay.io/opendatahub/opendatahub-tests"
NEWEST = "main"
"""The branch whose image is tagged `latest`."""
_TAG = re.compile(r"(\d+)\.(\d+)(?:ea(\d+))?")


class Option(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A command-line option."""

    action: str = "store"
    """`store` (the last one counts), `append` (each one counts) or `store_true`."""
    variable: str = ""
    """The environment variable of its default."""


class Registry(msgspec.Struct, frozen=True, kw_only=True):
    """A registry that has its own pull secret."""

    option: str
    variable: str


class SuiteFacts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A branch, or an image of it."""

    commit: str = ""
    """Of the sources that were read; empty for an image."""
    python: str = ""
    """What it demands of Python, such as `==3.13.*`."""
    test: str = ""
    """Path of the model-car test in the image; empty where the branch has none."""
    options: dict[str, Option] = {}
    registries: dict[str, Registry] = {}
    """By host; empty where one option takes the secrets of all hosts."""
    namespaces: tuple[str, ...] = ()
    """It makes each of them, tests all models in it, and deletes it."""
    suffixes: tuple[str, ...] = ()
    """What follows a model's name in the ids of its tests."""
    modes: tuple[str, ...] = ()
    """Deployment modes of KServe; each model is tested in each."""
    runtimes: tuple[str, ...] = ()
    """Names of its ServingRuntimes."""
    pull_secret: str = ""
    """Name of its Secret."""
    reads_arguments: bool = False
    """Whether a model's own `serving_arguments` reach the server at all."""
    reads_output_type: bool = False
    """Whether audio models are asked with audio."""
    checks_answers: bool = False
    """Whether a text model's answer must hold a word that is looked for; otherwise any text passes."""
    sets_kserve: bool = False
    """Whether it may set KServe to Managed in the DataScienceCluster."""
    downloads: tuple[str, ...] = ()
    """`oc` from the cluster's console route, `audio` from the internet."""
    log_folder: str = ""
    """Where it opens its log when a session starts, unless `--log-file` is absolute."""

    @property
    def repeats_registries(self) -> bool:
        """Whether `--registry-host` and `--registry-pull-secret` may be given once for each registry."""
        names = ("--registry-host", "--registry-pull-secret")
        return all(self.options.get(name, Option()).action == "append" for name in names)


class _Table(msgspec.Struct, frozen=True, kw_only=True):
    about: str
    repository: str
    branches: dict[str, SuiteFacts]


@cache
def branches() -> dict[str, SuiteFacts]:
    """Every release branch that was read, and `main`."""
    text = resources.files("modelcar_tui.qa").joinpath("suite_branches.json").read_bytes()
    return decode(text, _Table).branches


def known_tags() -> tuple[str, ...]:
    """The image's tags: release branches, and `latest`."""
    return (*(name for name in branches() if name != NEWEST), "latest")


def tag_of(image: str) -> str:
    """The tag of an image of the suite's own repository; empty for any other image and for a digest."""
    plain = image.removeprefix("docker://")
    name, _, tag = (plain if plain != IMAGE else f"{IMAGE}:latest").rpartition(":")
    return tag if name == IMAGE else ""


def facts_of(image: str) -> SuiteFacts | None:
    """What the tag of an image is known to hold; None where only the image itself can tell."""
    tag = tag_of(image)
    return branches().get(NEWEST if tag == "latest" else tag) if tag else None


def suite_namespaces(facts: SuiteFacts | None) -> tuple[str, ...]:
    """The namespaces that a suite works in; with None, all that any branch works in."""
    return facts.namespaces if facts is not None else _all(lambda one: one.namespaces)


def suffixes() -> tuple[str, ...]:
    """What may follow a model's name in a test's id, in any branch."""
    return _all(lambda one: one.suffixes)


def nearest_with_test(tag: str) -> str:
    """The tag of the release nearest to `tag`, an older one first, that tests model cars."""
    usable = [name for name in known_tags() if name != "latest" and branches()[name].test]
    older = [name for name in usable if in_order(name) < in_order(tag)]
    return max(older, key=in_order) if older else min(usable, key=in_order)


def _all(part: Callable[[SuiteFacts], Iterable[str]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(item for facts in branches().values() for item in part(facts)))


def in_order(tag: str) -> tuple[int, int, float]:
    """Release branches in their order: an early access comes before its release, `main` last."""
    match = _TAG.fullmatch(tag)
    if match is None:
        return (sys.maxsize, 0, 0.0)
    return int(match[1]), int(match[2]), float(match[3] or "inf")
