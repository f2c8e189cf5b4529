"""``capacity-planner operator``: its settings, its end, and what it needs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from grpc import RpcError

pytest.importorskip("kmock")

from tests.services._servers import free_port
from tests.surfaces.keda._keda import Keda
from tests.surfaces.kube._cluster import api_server, kubeconfig

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.surfaces.kube._cluster import Api

COMMAND = [sys.executable, "-m", "capacity_planner", "operator"]


def _run(*arguments: str, cwd: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments],
        cwd=cwd,
        env={**os.environ, "HOME": str(cwd), "KUBECONFIG": "", **environ},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_its_help_names_what_can_be_set(tmp_path: Path) -> None:
    done = _run("--help", cwd=tmp_path)
    assert done.returncode == 0
    for flag in ("--namespace", "--kubeconfig", "--lease-seconds", "--probes", "--store", "--config"):
        assert flag in done.stdout
    assert " ".join(done.stdout.split()).count("Where none is set, it is not served.") == 2
    assert "127.0.0.1:50051" not in done.stdout


@pytest.mark.slow
def test_without_a_cluster_it_says_what_to_do(tmp_path: Path) -> None:
    done = _run(cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("CONFIG_INVALID: No cluster is configured")
    assert "Give --kubeconfig, or run in a pod with an account." in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("library", ["kopf", "kubernetes", "sqlalchemy"])
def test_without_its_extras_it_says_what_to_install(tmp_path: Path, library: str) -> None:
    (tmp_path / library).mkdir()
    (tmp_path / library / "__init__.py").write_text(f"raise ModuleNotFoundError(name={library!r})")
    done = _run(cwd=tmp_path, PYTHONPATH=str(tmp_path))
    assert done.returncode == 2
    assert done.stderr == ("CONFIG_INVALID: the operator needs extras: pip install 'capacity-planner[server,k8s]'\n")


@pytest.mark.slow
def test_it_refuses_an_api_beyond_loopback_without_tokens(tmp_path: Path) -> None:
    with api_server() as api:
        file = kubeconfig(api, tmp_path)
        done = _run("--kubeconfig", file, "--http", f"0.0.0.0:{free_port()}", cwd=tmp_path)
    assert done.returncode == 2
    assert "token" in done.stderr


@pytest.mark.slow
def test_it_works_serves_and_ends_when_it_is_told_to(tmp_path: Path) -> None:
    probes, http, grpc = free_port(), free_port(), free_port()
    with api_server() as api:
        arguments = ["--kubeconfig", kubeconfig(api, tmp_path), "--probes", f"127.0.0.1:{probes}"]
        process = subprocess.Popen(
            [*COMMAND, *arguments, *_addresses(http, grpc), "--store", f"sqlite:///{tmp_path}/kept.db"],
            cwd=tmp_path,
            env={**os.environ, "HOME": str(tmp_path)},
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            _await(f"http://127.0.0.1:{probes}/readyz", b"leads\n")
            _await(f"http://127.0.0.1:{http}/readyz", b"")
            with Keda(grpc, {"queueName": "emails"}) as keda, pytest.raises(RpcError, match="is not planned for"):
                keda.call("IsActive", keda.reference, "IsActiveResponse")
        finally:
            process.send_signal(signal.SIGTERM)
            _, said = process.communicate(timeout=60)
    assert process.returncode == 0, said
    assert "the term begins" in said
    assert "the term ends" in said
    assert "Traceback" not in said


def _addresses(http: int, grpc: int) -> list[str]:
    return ["--http", f"127.0.0.1:{http}", "--grpc", f"127.0.0.1:{grpc}"]


def _await(url: str, content: bytes) -> None:
    end = time.monotonic() + 30
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 - it is our own
                if not content or answer.read() == content:
                    return
        except OSError:
            pass
        assert time.monotonic() < end, url
        time.sleep(0.1)


@pytest.mark.slow
def test_a_leader_that_is_killed_is_followed(tmp_path: Path) -> None:
    ports = free_port(), free_port()
    with api_server() as api, _started(api, tmp_path, ports[0]) as first:
        _await(f"http://127.0.0.1:{ports[0]}/readyz", b"leads\n")
        with _started(api, tmp_path, ports[1]) as second:
            _await(f"http://127.0.0.1:{ports[1]}/readyz", b"waits for its turn\n")
            first.kill()
            first.wait(20)
            _await(f"http://127.0.0.1:{ports[1]}/readyz", b"leads\n")
            second.send_signal(signal.SIGTERM)
            assert second.wait(60) == 0


@contextmanager
def _started(api: Api, folder: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    arguments = ["--kubeconfig", kubeconfig(api, folder), "--lease-seconds", "5", "--probes", f"127.0.0.1:{port}"]
    environ = {**os.environ, "HOME": str(folder)}
    with subprocess.Popen([*COMMAND, *arguments], cwd=folder, env=environ, stderr=subprocess.DEVNULL) as process:
        try:
            yield process
        finally:
            process.kill()
