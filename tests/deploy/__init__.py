"""Tests of what is shipped to run the service with."""
