"""``otklik restore``: an archive is unpacked and checked in full; only then ``casebook.placing`` puts it in place."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from casebook.archive import CASEBOOK, FORMAT, JOURNAL, MANIFEST, BackupError, Member, noted, read, sync
from casebook.archive import unpacked as unpack
from casebook.backup import casebook_counts, digests, journal_counts
from casebook.setup import connect, database, migrate, sqlite_url
from journal import copying

if TYPE_CHECKING:
    from casebook.decree import Decree

_AGAIN = "возьмите другую копию; что внутри, показывает tar tzf"


@dataclass(frozen=True, slots=True)
class Names:
    """Where the parts go, from the folder that is put in place. ``files`` is its ``files/``."""

    journal: Path
    casebook: Path


@dataclass(slots=True)
class Unpacked:
    """An archive whose every part agrees with its manifest."""

    manifest: dict[str, Any] = field(default_factory=dict)
    digests: set[str] = field(default_factory=set)


def unpack_into(folder: Path, archive: Path, names: Names, *, with_files: bool) -> Unpacked:
    """Unpack and check whatever can be checked without the tables. ``with_files``: else attachments are only read.

    Raises: BackupError: it is no good.
    """
    taking = _Taking(folder, names, with_files)
    read(archive, taking.take)
    taking.agree()
    for path, _, _ in os.walk(folder):
        sync(Path(path))
    return taking.found


class _Taking:
    """What the members come to, one after another."""

    def __init__(self, folder: Path, names: Names, with_files: bool) -> None:
        self.found = Unpacked()
        self._folder, self._with_files = folder, with_files
        self._places = {JOURNAL: folder / names.journal, CASEBOOK: folder / names.casebook}
        self._written: dict[str, tuple[str, int]] = {}
        self._bytes = 0

    def take(self, member: Member) -> None:
        if member.digest:
            self._attachment(member)
        elif member.name == MANIFEST:
            self.found.manifest = _manifest(noted(member))
        else:
            place = self._places[member.name]
            place.parent.mkdir(parents=True, exist_ok=True)
            written = unpack(member, place)
            self._written[member.name] = (written.sha256, written.size)

    def _attachment(self, member: Member) -> None:
        place = self._folder / member.name if self._with_files else None
        if place is not None:
            place.parent.mkdir(parents=True, exist_ok=True)
        if unpack(member, place).sha256 != member.digest:
            raise BackupError(f"вложение {member.digest[:12]}… в архиве не то, что было скопировано", _AGAIN)
        self.found.digests.add(member.digest)
        self._bytes += member.size

    def agree(self) -> None:
        """With the manifest. Raises: BackupError."""
        for part, name in (("journal", JOURNAL), ("casebook", CASEBOOK)):
            said = self.found.manifest[part]
            wanted = None if said is None else (said["sha256"], said["size"])
            if self._written.get(name) != wanted:
                raise BackupError(f"{name} в архиве не тот, что назван в оглавлении", _AGAIN)
        files = self.found.manifest["files"]
        if (len(self.found.digests), self._bytes) != (files["count"], files["bytes"]):
            what = f"вложений в архиве {len(self.found.digests)}, а в оглавлении {files['count']}"
            raise BackupError(what, _AGAIN)


def _manifest(data: bytes) -> dict[str, Any]:
    try:
        found = json.loads(data)
        if found["format"] > FORMAT:
            raise BackupError(f"копия новее этой программы: формат {found['format']}", "обновите Отклик и повторите")
        for part in ("journal", "casebook"):
            if found[part] is not None:
                _ = found[part]["sha256"], found[part]["size"], found[part]["at"]
        _ = found["files"]["count"], found["files"]["bytes"], found["files"]["absent"].items(), found["code"]
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise BackupError("оглавление архива не читается", _AGAIN) from None
    return dict(found)


def check(folder: Path, names: Names, found: Unpacked) -> None:
    """The databases that were unpacked: sound, as many rows as were counted, every attachment that is named.

    Raises: BackupError.
    """
    manifest = found.manifest
    if manifest["journal"] is not None:
        _sound(folder / names.journal)
        told = {name: manifest["journal"].get(name) for name in ("topics", "readers")}
        _same("журнале", told, journal_counts(folder / names.journal))
    if manifest["casebook"] is not None:
        casebook = folder / names.casebook
        _sound(casebook)
        _same("карточках", manifest["casebook"].get("counts"), casebook_counts(casebook))
        with copying.opened(casebook) as db:
            missing = set(digests(db)) - found.digests - set(manifest["files"]["absent"])
        if missing:
            raise BackupError(f"в архиве нет вложений, что названы в карточках: {len(missing)}", _AGAIN)


def audited(casebook: Path, decree: Decree) -> list[str]:
    """The tables brought to the shape of this code; what ``otklik audit verify`` finds wrong in them (Russian).

    Raises: BackupError: a newer program made them.
    """
    with _tables_of(casebook):
        from django.db import connection
        from django.db.migrations.loader import MigrationLoader

        from casebook.audit import verify

        loader = MigrationLoader(connection)
        if unknown := set(loader.applied_migrations) - set(loader.disk_migrations):
            newest = ", ".join(sorted(name for _, name in unknown))
            raise BackupError(f"копия новее этой программы: таблицы {newest}", "обновите Отклик и повторите")
        migrate()
        found = list(verify(decree))
    sync(casebook)
    return found


@contextmanager
def _tables_of(path: Path) -> Iterator[None]:
    """The tables of this process are meanwhile those of a file."""
    connect(sqlite_url(path), path.parent / "files")
    from django.db import connections

    def use(found: Any) -> None:
        connections["default"].close()
        connections.settings["default"] = found
        del connections["default"]

    before = connections.settings["default"]
    use(connections.configure_settings({"default": {**database(sqlite_url(path)), "NAME": str(path)}})["default"])
    try:
        yield
    finally:
        use(before)


def _sound(path: Path) -> None:
    if wrong := copying.unsound(path):
        raise BackupError(f"{path.name} в архиве повреждён: {wrong[0]}", _AGAIN)


def _same(where: str, told: Any, counted: Any) -> None:
    if told != counted:
        raise BackupError(f"в {where} копии не столько записей, сколько названо в оглавлении", _AGAIN)
