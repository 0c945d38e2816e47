"""Fixtures of `spinalcord demo`."""

from demo_cases import folder, moved, small_phantom  # noqa: F401 - fixtures
