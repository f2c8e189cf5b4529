"""The configuration: one document, changed as a whole, with all its versions."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, insert, select

from capacity_planner import codec
from capacity_planner.domain.queues import ConfigVersion, ServiceConfig
from capacity_planner.errors import ConflictError
from capacity_planner.store._room import Room
from capacity_planner.store._tables import configs
from capacity_planner.store._values import instant

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy import Row

    from capacity_planner.store._database import Database


@dataclass(frozen=True, slots=True)
class ConfigOutline:
    """Who scaled the queues of a version of the configuration.

    Attributes:
        version: which.
        changed_at: since when it was in effect.
        scaled: queue → the name of its scaler, and its mode.
    """

    version: int
    changed_at: datetime
    scaled: Mapping[str, tuple[str, str]]


@dataclass(frozen=True, slots=True)
class ConfigFile:
    """A file that the configuration was read from; both empty where none was.

    Attributes:
        origin: what it is called.
        digest: of what it says.
    """

    origin: str = ""
    digest: str = ""


class Settings(Room):
    """The versions of the configuration."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._newest: tuple[Any, ConfigVersion] | None = None

    def config(self) -> ConfigVersion | None:
        """The newest version; ``None`` where there is none.

        Raises:
            UnavailableError: the store does not answer.
        """
        known = self._newest
        with self._db.read() as connection:
            which = select(configs.c.version, configs.c.changed_at, configs.c.changed_by)
            found = connection.execute(which.order_by(configs.c.version.desc()).limit(1)).one_or_none()
            if found is None:
                return None
            if known and known[0] == found:
                return known[1]
            row = connection.execute(select(configs).where(configs.c.version == found.version)).one()
        newest = _version_of(row)
        self._newest = (found, newest)
        return newest

    def config_versions(self, limit: int = 20) -> list[ConfigVersion]:
        """The versions, the newest first.

        Raises:
            UnavailableError: the store does not answer.
        """
        with self._db.read() as connection:
            rows = connection.execute(select(configs).order_by(configs.c.version.desc()).limit(limit)).all()
        return [_version_of(row) for row in rows]

    def config_outlines(self, *, before: int, limit: int = 20) -> list[ConfigOutline]:
        """The outlines of the versions before one, the newest first; what else they say is not looked at, for speed.

        Raises:
            UnavailableError: the store does not answer.
        """
        statement = select(configs).where(configs.c.version < before).order_by(configs.c.version.desc()).limit(limit)
        with self._db.read() as connection:
            rows = connection.execute(statement).all()
        return [_outline_of(row) for row in rows]

    def put_config(self, config: ServiceConfig, *, expected: int | None, by: str, digest: str = "") -> ConfigVersion:
        """Set the configuration.

        Args:
            config: the whole document.
            expected: the version that is to be replaced, 0 where there is none; ``None`` replaces whatever is there.
            by: who sets it.
            digest: of the file that it was read from.

        Raises:
            ConflictError: another version is the newest.
            UnavailableError: the store does not answer.
        """
        with self._db.write() as connection:
            self._db.dialect.lock(connection, "config")
            newest = connection.execute(select(func.max(configs.c.version))).scalar_one() or 0
            if expected is not None and expected != newest:
                raise ConflictError(
                    f"Version {expected} of the configuration was to be replaced, but the newest is {newest}. "
                    "Look at what changed, and try again."
                )
            row = {
                "version": newest + 1,
                "document": codec.dumps(config),
                "changed_at": self._db.now(connection),
                "changed_by": by,
                "digest": digest,
            }
            connection.execute(insert(configs), row)
            return _version_of(connection.execute(select(configs).where(configs.c.version == newest + 1)).one())

    def config_file(self) -> ConfigFile:
        """The file that was read last.

        Raises:
            UnavailableError: the store does not answer.
        """
        statement = select(configs.c.changed_by, configs.c.digest).where(configs.c.digest != "")
        with self._db.read() as connection:
            row = connection.execute(statement.order_by(configs.c.version.desc()).limit(1)).one_or_none()
        return ConfigFile(row.changed_by, row.digest) if row else ConfigFile()


def _version_of(row: Row[Any]) -> ConfigVersion:
    return ConfigVersion(
        version=row.version,
        config=codec.decode(ServiceConfig, row.document),
        changed_at=instant(row.changed_at),
        changed_by=row.changed_by,
    )


def _outline_of(row: Row[Any]) -> ConfigOutline:
    queues = json.loads(row.document)["queues"]
    scaled = {queue["queue_name"]: (queue["scaler"]["name"], queue["mode"]) for queue in queues}
    return ConfigOutline(version=row.version, changed_at=instant(row.changed_at), scaled=scaled)
