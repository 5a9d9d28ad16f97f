"""Accelerators: ONE table of products, vendors and what a card is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelcar_tui.core.door import door

if TYPE_CHECKING:
    from modelcar_tui.hardware.gpu import Gpu
    from modelcar_tui.hardware.product import (
        Product,
        by_cloud,
        by_id,
        gpu_for,
        instance,
        largest_mib,
        mig_profiles,
        product_named,
        products,
        row_named,
        row_of,
    )
    from modelcar_tui.hardware.vendor import (
        AMD,
        NVIDIA,
        Hardware,
        asked_resource,
        hardware,
        resource_prefixes,
        served,
        unit_word,
        vendor_in,
        vendor_of_resource,
        vendor_title,
        vendor_word,
        vendors,
    )

__all__ = [
    "AMD",
    "NVIDIA",
    "Gpu",
    "Hardware",
    "Product",
    "asked_resource",
    "by_cloud",
    "by_id",
    "gpu_for",
    "hardware",
    "instance",
    "largest_mib",
    "mig_profiles",
    "product_named",
    "products",
    "resource_prefixes",
    "row_named",
    "row_of",
    "served",
    "unit_word",
    "vendor_in",
    "vendor_of_resource",
    "vendor_title",
    "vendor_word",
    "vendors",
]

if not TYPE_CHECKING:
    __getattr__ = door(
        __name__,
        {
            "gpu": "Gpu",
            "product": (
                "Product by_cloud by_id gpu_for instance largest_mib mig_profiles product_named products "
                "row_named row_of"
            ),
            "vendor": (
                "AMD Hardware NVIDIA asked_resource hardware resource_prefixes served unit_word "
                "vendor_in vendor_of_resource vendor_title vendor_word vendors"
            ),
        },
    )
