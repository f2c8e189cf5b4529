"""Writes the Python stubs of every proto file beside it.

Run it with the development environment's Python: ``.venv/bin/python .ci/protos.py`` renews the stubs, ``--check`` tells
whether they are those of the proto files.

What protoc writes asks for libraries as new as protoc itself, though it needs nothing that is not in the oldest ones
that the extra ``server`` allows (tests/surfaces/grpc pass with protobuf 5.29, 6.33 and 7.36, and grpcio 1.68 to 1.85):
that demand is left out. And it believes to be a package of its own: it is told where it lies.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

SURFACES = Path(__file__).resolve().parent.parent / "src/capacity_planner/surfaces"
LEFT_OUT = (
    r"# NO CHECKED-IN PROTOBUF GENCODE\n",
    r"# Protobuf Python Version: .*\n",
    r"from google.protobuf import runtime_version as _runtime_version\n",
    r"_runtime_version\.ValidateProtobufRuntimeVersion\((?s:.*?)\n\)\n",
    r"import warnings\n",
    r"GRPC_GENERATED_VERSION = (?s:.*?)\n    \)\n",
)


@dataclass(frozen=True)
class Proto:
    """A proto file.

    Attributes:
        root: the folder that its imports start from.
        path: where it is below that folder.
        stubs: what stands for it in Python.
    """

    root: Path
    path: str
    stubs: tuple[str, ...]

    @property
    def module(self) -> str:
        """Its messages, as protoc names them."""
        return self.path.removesuffix(".proto").replace("/", ".") + "_pb2"

    def generated(self) -> dict[Path, str]:
        """Every stub and what should stand in it."""
        with tempfile.TemporaryDirectory() as scratch:
            outs = [f"--{kind}_out={scratch}" for kind in ("python", "pyi", "grpc_python")]
            subprocess.run([sys.executable, "-m", "grpc_tools.protoc", f"-I{self.root}", *outs, self.path], check=True)
            made = Path(scratch, self.path).parent
            return {
                (self.root / self.path).with_name(name): self.adapted((made / name).read_text()) for name in self.stubs
            }

    def adapted(self, text: str) -> str:
        """A stub without its demands, at home in its package."""
        for pattern in LEFT_OUT:
            text = re.sub(pattern, "", text)
        package = self.module.rpartition(".")[0]
        text = text.replace(f"from {package} import", "from . import") if package else text
        text = text.replace(f"'{self.module}'", "__name__")
        return re.sub(r"\n{4,}", "\n\n\n", text)


PROTOS = (
    Proto(
        SURFACES / "grpc/proto",
        "capacity_planner/v1/capacity_planner.proto",
        ("capacity_planner_pb2.py", "capacity_planner_pb2.pyi", "capacity_planner_pb2_grpc.py"),
    ),
    Proto(SURFACES / "keda/proto", "externalscaler.proto", ("externalscaler_pb2.py", "externalscaler_pb2.pyi")),
)

if __name__ == "__main__":
    stubs = {path: text for proto in PROTOS for path, text in proto.generated().items()}
    if "--check" not in sys.argv:
        for path, text in stubs.items():
            path.write_text(text)
    elif stale := [path.name for path, text in stubs.items() if not path.exists() or path.read_text() != text]:
        sys.exit(f"{', '.join(stale)}: not what the proto file says. Run: .venv/bin/python .ci/protos.py")
