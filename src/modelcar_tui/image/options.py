"""How images are looked at."""

from __future__ import annotations

import msgspec

MIB = 1024**2


class ImageOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Options of `inspect_image`; the defaults suit a real registry. No secret is in here."""

    authfile: str | None = None
    """An auth file instead of those that skopeo would find."""
    registries_conf: str | None = None
    """A registries.conf instead of the user's and the system's."""
    timeout_s: float = 20.0
    """Limit of one request, and of one run of skopeo."""
    total_timeout_s: float = 90.0
    """Limit of one image, waits for 429 included."""
    byte_budget: int = 8 * MIB
    """The most bytes of blobs that are read of one image."""
    cache_dir: str | None = None
    """Folder of the facts' cache; the user's cache folder by default."""
    use_cache: bool = True
    use_skopeo: bool = True
    """Whether skopeo, where it is on PATH, is asked for size and architectures first."""
    skopeo_up_to: int = 12
    """With more images than this in one run skopeo is asked only for what our own client can't tell: it takes
    two processes an image."""
    offline: bool = False
    """Ask no registry: cache, catalog and name only."""
    tls_verify: bool = True
    per_host: int = 64
    """The most images of one host that are looked at at the same time."""
    architecture: str = "amd64"
    """Which image of an index stands for all."""
    login_host: str = "registry.redhat.io"
    """The one host (with its stage twin) that a bare `user:password` pull secret is sent to."""
