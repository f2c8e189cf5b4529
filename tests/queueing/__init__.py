"""Tests of the queueing room."""
