"""Fixtures of the tests of sources."""

from __future__ import annotations

from tests.sources._redis import clock_fixture, server_fixture, shared_fixture

__all__ = ["clock_fixture", "server_fixture", "shared_fixture"]
