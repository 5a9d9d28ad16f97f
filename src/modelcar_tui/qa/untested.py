"""What QA means for a manifest that is no model-car list: what is tested of it, and what is not."""

from __future__ import annotations

from collections.abc import Sequence

from modelcar_tui.core.counting import several
from modelcar_tui.manifest import MODEL_CAR, ModelCar
from modelcar_tui.qa.effect import Effect, tells, warns
from modelcar_tui.qa.from_objects import LeftOut
from modelcar_tui.qa.preconditions import qa_skipped
from modelcar_tui.qa.types import QaOutcome

NO_IMAGE = "NO_OCI_IMAGE"
NO_MODEL = "NO_TESTABLE_MODEL"
_MOST_ROWS = 5


def nothing_to_test(left: Sequence[LeftOut]) -> QaOutcome:
    """The outcome where the suite can test none of the models."""
    no_image = all(one.no_image for one in left)
    more = f" (and {several(len(left) - 1, 'more model')})" if len(left) > 1 else ""
    what = f"the suite can test no model of this file: {left[0]}{more}"
    fix = "put the model into an OCI image (oci://...)" if no_image else "test it by hand, with this file"
    return qa_skipped(NO_IMAGE if no_image else NO_MODEL, what, fix)


def other_manifest_effects(tested: Sequence[ModelCar], left: Sequence[LeftOut]) -> tuple[Effect, ...]:
    """The rows before QA; none for a model-car list."""
    rows = [warns("not tested", str(one)) for one in left[:_MOST_ROWS]]
    if len(left) > _MOST_ROWS:
        rows.append(warns("not tested", several(len(left) - _MOST_ROWS, "more model")))
    if any(car.kind != MODEL_CAR for car in tested):
        what = "a model-car list made of this file: images, arguments and GPU counts"
        rows.append(tells("tests", f"{what}; not its environment, probes, volumes, routes or replicas"))
    return tuple(rows)
