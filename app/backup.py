"""``otklik backup`` and ``otklik restore``: journal, casebook and attachments of one machine in one file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from app.carrier import on_kafka, streams_of
from app.errors import DONE, FAILED, SOME_REJECTED, UsageFault, say
from app.home import database_url, find_home
from app.options import home_option, streams_option
from app.tables import shown
from app.words import counted, grouped
from records.clock import now

if TYPE_CHECKING:
    from app.config import Streams
    from casebook.backup import Stand
    from casebook.decree import Decree

_FILE = click.Path(dir_okay=False, path_type=Path)
_READ_ON = "порядок для PostgreSQL и Kafka — в docs/operations.md, «Backup»"
_ABSENT = {
    "forgotten": "стёрты, пока шло копирование (otklik forget)",
    "lost": "названы в карточках, но файлов нет",
    "damaged": "файлы повреждены на диске",
}


class BackupFault(UsageFault):
    """The call was right; the archive or the disk is not."""

    exit_code = FAILED


@dataclass(frozen=True, slots=True)
class _Home:
    """``data``: the folder that is restored as a whole."""

    decree: Decree
    stand: Stand
    data: Path


@click.command()
@click.argument("file", metavar="ФАЙЛ", type=_FILE)
@streams_option
@home_option
@click.pass_context
def backup(context: click.Context, file: Path, streams: Path | None, home: Path | None) -> None:
    """Скопировать журнал, карточки и вложения в один архив (.tar.gz), ничего не останавливая.

    Архив появляется под своим именем целиком или никак; читать его может только владелец: в нём тексты людей. Что
    принято после начала копирования, в него может не войти. Проверить: otklik restore ФАЙЛ --check.

    Код завершения: 0 — скопировано всё; 3 — части вложений нет на диске, остальное скопировано.
    """
    from casebook.archive import BackupError
    from casebook.backup import Versions, back_up

    at = _home(home, streams_of(home, streams))
    if not file.absolute().parent.is_dir():
        raise UsageFault(f"{file.parent}: нет такой папки", "создайте её или назовите другую")
    from app.command import code_version

    versions = Versions(code_version(), at.decree.regulation.version)
    try:
        manifest = back_up(at.stand, file.absolute(), versions, now)
    except BackupError as error:
        raise UsageFault(str(error), error.mend) from None
    click.echo(f"Копия: {file}, {_megabytes(file.stat().st_size)}")
    _tell(manifest, at.decree)
    say(f"Проверить: otklik restore {file} --check")
    faulty = set(manifest["files"]["absent"].values()) - {"forgotten"}
    context.exit(SOME_REJECTED if faulty else DONE)


@click.command()
@click.argument("file", metavar="ФАЙЛ", type=_FILE)
@click.option("--check", "only_check", is_flag=True, help="Только проверить архив; можно, пока служба работает.")
@click.option("--force", is_flag=True, help="Данные уже есть: отложить их в var.before-ВРЕМЯ и восстановить.")
@streams_option
@home_option
def restore(file: Path, only_check: bool, force: bool, streams: Path | None, home: Path | None) -> None:
    """Проверить архив otklik backup и восстановить из него папку var/.

    Проверяется всё: контрольные суммы, целость баз, число записей, цепочки событий (как otklik audit verify), каждое
    вложение. Негодный архив ничего не меняет. Службу сначала остановите. Прерванное можно начать снова: на месте либо
    прежние данные, либо новые, целиком.
    """
    if only_check and force:
        raise UsageFault("--check ничего не восстанавливает", "уберите --check или --force")
    if not file.is_file():
        raise UsageFault(f"{file}: нет такого файла", "назовите архив, который сделал otklik backup")
    at = _home(home, streams_of(home, streams))
    with _faults():
        if only_check:
            _check(file, at)
        else:
            _restore(file, at, force)


def _check(file: Path, at: _Home) -> None:
    from casebook.placing import beside

    with beside(at.data, "checking") as folder:
        _tell(_checked(file, folder, at, with_files=False), at.decree)
    click.echo("Архив годен.")


def _restore(file: Path, at: _Home, force: bool) -> None:
    from casebook.placing import beside, left_behind, put_in_place

    moment = now()
    _can_be_replaced(at.data)
    _idle(at.stand)
    if aside := left_behind(at.data, moment):
        say(f"Прошлое восстановление прервано в последнем шаге; что оно оставило рядом, лежит теперь в {aside}")
    _nothing_lost(at.data, force)
    with beside(at.data) as folder:
        manifest = _checked(file, folder, at, with_files=True)
        _idle(at.stand)
        before = put_in_place(folder, at.data, moment)
    _tell(manifest, at.decree)
    click.echo(f"Восстановлено: {at.data}")
    if before is not None:
        click.echo(f"Прежние данные: {before}")
    said = _moment(manifest["begun_at"], at.decree)
    say(
        f"Что было после {said}, в копии нет. Повторите то, что люди сделали с тех пор: стирание (otklik forget, с"
        " --author для каждого отозвавшего согласие), отзыв доступа (otklik token, otklik user)."
    )


def _checked(file: Path, folder: Path, at: _Home, *, with_files: bool) -> dict[str, Any]:
    """The manifest of an archive that is whole and whose tables hold together. Raises: BackupError."""
    from casebook.archive import BackupError
    from casebook.restoring import Names, audited, check, unpack_into

    names = Names(_within(at.stand.journal, at.data), _within(at.stand.casebook, at.data))
    found = unpack_into(folder, file, names, with_files=with_files)
    check(folder, names, found)
    if found.manifest["casebook"] is not None and (wrong := audited(folder / names.casebook, at.decree)):
        for what in wrong[:20]:
            say(what)
        raise BackupError(
            f"записи в копии не сходятся: {counted(len(wrong), 'место', 'места', 'мест')}",
            "возьмите более раннюю копию; проверьте и саму базу: otklik audit verify",
        )
    click.echo("Проверено: контрольные суммы, целость баз, число записей, цепочки событий, вложения.")
    return found.manifest


# Where


def _home(home: Path | None, settings: Streams) -> _Home:
    from casebook.backup import Stand
    from casebook.decree import Decree
    from regulation import Regulation

    folder = find_home(home)
    data = (folder / "var").resolve()
    if on_kafka(settings):
        raise UsageFault("журнал ведёт Kafka: её копирует не otklik", _READ_ON)
    stand = Stand(settings.journal.resolve(), _casebook(data), data / "files")
    return _Home(Decree.of(Regulation.load(folder / "regulation")), stand, data)


def _casebook(data: Path) -> Path:
    from casebook.setup import DatabaseUrlError, database

    url = database_url()
    if not url:
        return data / "casebook.sqlite"
    try:
        found = database(url)
    except DatabaseUrlError as error:
        raise UsageFault(f"DATABASE_URL: {error}", "исправьте переменную или уберите её: будет SQLite") from None
    if not url.startswith("sqlite:"):
        raise UsageFault("карточки ведёт PostgreSQL: его копирует не otklik", _READ_ON)
    return Path(found["NAME"]).resolve()


def _within(path: Path, data: Path) -> Path:
    if not path.is_relative_to(data):
        raise UsageFault(
            f"{path} лежит вне {data}, а restore восстанавливает эту папку",
            "на время назовите место внутри неё (embedded.path в streams.yaml, DATABASE_URL), потом перенесите",
        )
    return path.relative_to(data)


def _can_be_replaced(data: Path) -> None:
    if data.is_mount():
        raise UsageFault(
            f"{data} — отдельный диск, подменить его нельзя", "восстановите рядом: --home …, потом перенесите файлы"
        )


def _nothing_lost(data: Path, force: bool) -> None:
    from casebook.placing import is_empty

    if not is_empty(data) and not force:
        names = ", ".join(sorted(path.name for path in data.iterdir())[:5])
        raise UsageFault(
            f"в {data} уже есть данные: {names}",
            f"с --force они будут отложены в {data.name}.before-ВРЕМЯ; удалено ничего не будет",
        )


def _idle(stand: Stand) -> None:
    """Raises: UsageFault: somebody has the journal or the casebook open."""
    from journal.copying import holders, in_use, live_readers

    used = [path for path in (stand.journal, stand.casebook) if in_use(path)]
    readers = live_readers(stand.journal)
    if used or readers:
        who = holders(*used) or [f"читатель {name}" for name in readers] or ["другой процесс"]
        files = ", ".join(path.name for path in used) or stand.journal.name
        raise UsageFault(f"{files}: открыт, его держит {', '.join(who)}", "остановите службу и повторите")


@contextmanager
def _faults() -> Iterator[None]:
    from casebook.archive import BackupError

    try:
        yield
    except BackupError as error:
        raise BackupFault(str(error), f"{error.mend}. Ничего не изменено") from None


# What is told


def _tell(manifest: Mapping[str, Any], decree: Decree) -> None:
    if journal := manifest["journal"]:
        topics = ", ".join(f"{name} {grouped(one['records'])}" for name, one in journal["topics"].items())
        click.echo(f"Журнал на {_moment(journal['at'], decree)}: {topics or 'пуст'}")
    else:
        click.echo("Журнала нет.")
    if casebook := manifest["casebook"]:
        counts = casebook["counts"]
        told = ", ".join(f"{word} {grouped(counts.get(name, 0))}" for name, word in _COUNTED.items())
        click.echo(f"Карточки на {_moment(casebook['at'], decree)}: {told}")
        if casebook.get("again"):
            click.echo(f"Событий, что будут переданы в cases.events ещё раз: {grouped(casebook['again'])}")
    else:
        click.echo("Карточек нет.")
    files = manifest["files"]
    click.echo(f"Вложения: {grouped(files['count'])}, {_megabytes(files['bytes'])}")
    for why, words in _ABSENT.items():
        absent = [digest for digest, said in files["absent"].items() if said == why]
        if absent:
            say(f"Вложений нет в копии: {len(absent)}: {words}: {', '.join(one[:12] for one in absent[:5])}")


_COUNTED = {"cases": "карточек", "events": "событий", "texts": "текстов", "alarms": "тревог", "users": "людей"}


def _moment(written: str, decree: Decree) -> str:
    return shown(datetime.fromisoformat(written), decree)


def _megabytes(size: int) -> str:
    return f"{size / 2**20:.1f} МБ".replace(".", ",")
