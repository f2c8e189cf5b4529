from __future__ import annotations

import hashlib
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from capacity_planner.service.access import Access, Role
from capacity_planner.surfaces.http.app import OPERATIONS
from tests.surfaces.http._served import plan_request, sample, served

TOKEN = "applier-token-0123456789"  # noqa: S105 - a test's
# 428 is what RFC 6585 has for If-Match that is missing.
SETTINGS = "[checks.missing_required_header]\nexpected-statuses = [400, 401, 403, 406, 415, 422, 428]\n"
# What is schema-valid may still be refused, such as a plan without a target; and a simulation that was cancelled stays.
LEFT_OUT = "positive_data_acceptance,use_after_free"


@pytest.mark.slow
def test_requests_at_random_find_no_failure_and_no_breach_of_the_document(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings = tmp_path / "schemathesis.toml"
    settings.write_text(SETTINGS, encoding="utf-8")
    access = Access([("ops", Role.APPLY, hashlib.sha256(TOKEN.encode()).digest())])
    header = f"Authorization: Bearer {TOKEN}"
    with served(tmp_path, access=access, max_jobs=2_000_000, max_time=timedelta(seconds=3)) as own:
        own.client.headers["Authorization"] = f"Bearer {TOKEN}"
        own.client.post("/v1/metrics", json=sample())
        own.client.post("/v1/plans", json=plan_request())
        program = str(Path(sys.executable).with_name("schemathesis"))
        command = [program, "--config-file", str(settings), "run", "--no-color"]
        checks = ["--checks", "all", "--exclude-checks", LEFT_OUT, "--generation-deterministic"]
        bounds = ["--max-examples", "15", "--request-timeout", "30"]
        address = f"{own.server.url}/openapi.json"
        run = subprocess.run(
            [*command, *checks, *bounds, "-H", header, address],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
    assert run.returncode == 0, run.stdout
    assert f"Tested: {len(OPERATIONS) - 1}\n" in run.stdout  # all but the document itself
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []
