"""The releases of vLLM that a manifest's own objects bring, in few words."""

from __future__ import annotations

from modelcar_tui.cluster.types import AcceleratorReport
from modelcar_tui.manifest import Manifest
from modelcar_tui.tui.lately import Lately
from modelcar_tui.verdict import release_of


@Lately
def own_releases(manifest: Manifest | None, report: AcceleratorReport) -> tuple[str, ...]:
    """vLLM's release where the manifest's objects bring their own; nothing of model-cars, or where none is
    known."""
    cars = [car for car in (manifest.models if manifest is not None else ()) if car.server is not None]
    if not cars:
        return ()
    found = {release_of(car, report, None) for car in cars}
    known = [one for one in found if one is not None]
    if len(known) != 1:
        return (f"vLLM: {len(known)} releases",) if known else ()
    also = " and ?" if len(found) > 1 else ""
    return f"vLLM {known[0]}{also} (manifest's)", f"vLLM {known[0]}{also}"
