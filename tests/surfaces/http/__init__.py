"""Tests of the HTTP API."""  # noqa: A005 - mirrors the package
