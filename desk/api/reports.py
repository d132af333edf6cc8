"""Weekly reports, as the caller's role may see them."""

from __future__ import annotations

from ninja import Router

router = Router(tags=["reports"])
