"""The options of what serves: each sets a field of `ServerSettings`, and is explained by its sentence."""

from pathlib import Path
from typing import Annotated, Any, TypeAlias

import typer

from capacity_planner.domain.server import ServerSettings
from capacity_planner.pipeline.settings import sentences, toml_value

FLAGS: dict[str, str] = {}

_WHERE, _WHO, _LOGS = "Where", "Who may", "Logs"
_UNSERVED = "Where none is set, it is not served."


def _server(field: str, metavar: str, panel: str, *, unset: str = "") -> Any:
    flag = f"--{field.replace('_', '-')}"
    FLAGS[field] = flag
    said = sentences()[f"server.{field}"]
    default = getattr(ServerSettings(), field)
    sentence = f"{said[:1].upper()}{said[1:]}".replace("``", "")
    unset = unset or (f"Default {toml_value(default).strip(chr(34))}." if default else "")
    text = f"{sentence} {unset}".rstrip()
    return typer.Option(flag, metavar=metavar, help=text, rich_help_panel=panel, show_default=False)


Http: TypeAlias = Annotated[str | None, _server("http", "ADDRESS", _WHERE)]
Grpc: TypeAlias = Annotated[str | None, _server("grpc", "ADDRESS", _WHERE)]
HttpBeside: TypeAlias = Annotated[str | None, _server("http", "ADDRESS", _WHERE, unset=_UNSERVED)]
GrpcBeside: TypeAlias = Annotated[str | None, _server("grpc", "ADDRESS", _WHERE, unset=_UNSERVED)]
Store: TypeAlias = Annotated[str | None, _server("store", "URL", _WHERE)]
TokenFile: TypeAlias = Annotated[str | None, _server("token_file", "FILE", _WHO)]
TlsCert: TypeAlias = Annotated[str | None, _server("tls_cert", "FILE", _WHO)]
TlsKey: TypeAlias = Annotated[str | None, _server("tls_key", "FILE", _WHO)]
Insecure: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--insecure", help="Serve beyond loopback without tokens: whoever reaches it may scale.", rich_help_panel=_WHO
    ),
]
LogFormat: TypeAlias = Annotated[str | None, _server("log_format", "FORMAT", _LOGS)]
LogLevel: TypeAlias = Annotated[str | None, _server("log_level", "LEVEL", _LOGS)]

NewToken: TypeAlias = Annotated[
    str, typer.Argument(help="What the token is called, in logs and records.", metavar="NAME")
]
Tokens: TypeAlias = Annotated[
    Path, typer.Option("--file", help="The file of tokens, which the token's hash is added to.", metavar="FILE")
]
