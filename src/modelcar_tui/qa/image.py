"""Which of the suite's images fits the cluster, and why: its release branches have a tag each."""

from __future__ import annotations

import re

import msgspec

from modelcar_tui.qa.suite_facts import IMAGE, SuiteFacts, facts_of, known_tags

_RELEASE = re.compile(r"^OpenShift AI\b.*?\b(\d+\.\d+)(?:\.\d+)?(?:[-.+]?ea[-.]?(\d+))?", re.IGNORECASE)


class SuiteImage(msgspec.Struct, frozen=True, kw_only=True):
    """The image and the reason for it, one sentence."""

    image: str
    why: str

    @property
    def facts(self) -> SuiteFacts | None:
        """What the tag is known to hold; None where only the image itself will tell."""
        return facts_of(self.image)


def suite_image(release: str | None, given: str | None = None) -> SuiteImage:
    """The operator's image, else the tag of the cluster's OpenShift AI release, else `latest`.

    Args:
        release: As the DataScienceCluster tells it, such as `OpenShift AI Self-Managed 3.4.0`.
    """
    if given:
        return SuiteImage(image=given, why="given with --qa-image")
    match = _RELEASE.match(release or "")
    wanted = [match[1] + (f"ea{match[2]}" if match[2] else ""), match[1]] if match else []
    tag = next((tag for tag in wanted if tag in known_tags()), "latest")
    if tag != "latest":
        why = f"the tag of the cluster's release ({release})"
    elif not release:
        why = "the cluster's release is not known, so the newest; --qa-image chooses another"
    else:
        why = f"{release} has no tag of its own, so the newest; --qa-image chooses another"
    return SuiteImage(image=f"{IMAGE}:{tag}", why=why)
