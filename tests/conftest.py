"""What all tests share."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

settings.register_profile("tests", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
# Other examples every time, for a search by hand: `pytest --hypothesis-profile=wild`.
settings.register_profile("wild", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("tests")
