"""Tests of the service behind the surfaces."""
