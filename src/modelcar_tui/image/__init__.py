"""OCI images: what is in one, without pulling it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelcar_tui.core.door import door

if TYPE_CHECKING:
    from modelcar_tui.image.credentials import auth_files, teach_logins
    from modelcar_tui.image.inspect import inspect_image, inspect_images, not_inspected
    from modelcar_tui.image.local import is_local, read_local
    from modelcar_tui.image.options import ImageOptions
    from modelcar_tui.image.small_files import read_small_files
    from modelcar_tui.image.types import ImageFacts, SmallFiles

__all__ = [
    "ImageFacts",
    "ImageOptions",
    "SmallFiles",
    "auth_files",
    "inspect_image",
    "inspect_images",
    "is_local",
    "not_inspected",
    "read_local",
    "read_small_files",
    "teach_logins",
]

if not TYPE_CHECKING:
    __getattr__ = door(
        __name__,
        {
            "credentials": "auth_files teach_logins",
            "inspect": "inspect_image inspect_images not_inspected",
            "local": "is_local read_local",
            "options": "ImageOptions",
            "small_files": "read_small_files",
            "types": "ImageFacts SmallFiles",
        },
    )
