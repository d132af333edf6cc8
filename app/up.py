"""``otklik up``: workers on this machine, started again when they end; ``otklik run``: from files to decisions."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

from app.carrier import on_kafka, streams_of
from app.errors import DONE, FAILED, SOME_REJECTED, UsageFault, say
from app.home import find_home
from app.options import home_option, streams_option
from app.running import DOES, command, where
from app.supervisor import GRACE_MARGIN, Child, Supervisor
from app.words import grouped
from records.messages import DECIDED, INCOMING, QUARANTINE

if TYPE_CHECKING:
    from app.config import Streams
    from app.intake import Intake
    from journal.embedded import EmbeddedJournal

_LOOK_EVERY = 0.2
_WATCH_EVERY = 1.0
_FILE = click.Path(dir_okay=False, path_type=Path)
_FOLDER = click.Path(file_okay=False, path_type=Path)


def worker_command(home: Path, streams: Path, *more: object) -> list[str]:
    return command("worker", "--home", home, "--streams", streams, *more)


@click.command()
@click.option(
    "--workers", type=click.IntRange(1, 64), help="Сколько рабочих; иначе по числу ядер (на одной машине — 1)."
)
@click.option(
    "--port", type=click.IntRange(0, 65000), default=0, help="Порт /metrics первого рабочего, дальше по порядку."
)
@streams_option
@home_option
def up(workers: int | None, port: int, streams: Path | None, home: Path | None) -> None:
    """Держать рабочих на этой машине: кто кончился, запускается снова. Остановка — SIGTERM или Ctrl+C."""
    folder = find_home(home)
    path = streams or folder / "streams.yaml"
    settings = streams_of(folder, path)
    embedded = not on_kafka(settings)
    if embedded and (workers or 1) > 1:
        raise UsageFault(
            "журнал на одной машине читает один рабочий", "уберите --workers или перейдите на carrier: kafka"
        )
    count = workers or (1 if embedded else os.cpu_count() or 1)
    grace = settings.batch.limit_seconds + GRACE_MARGIN
    children = [
        Child(
            f"рабочий {number + 1}",
            worker_command(folder, path, "--port", port + number if port else 0),
            grace,
            does=DOES["worker"],
        )
        for number in range(count)
    ]
    say(f"Рабочих: {count}, несёт {settings.carrier.value}. Остановить — Ctrl+C.")
    for line in where(settings, children):
        say(line)
    click.get_current_context().exit(Supervisor(children, say).run())


@click.command()
@click.argument("files", metavar="[ФАЙЛ|-]…", nargs=-1)
@click.option("--watch", metavar="ПАПКА", type=_FOLDER, help="Брать файлы, что появляются в папке, пока не остановят.")
@click.option("--decisions", metavar="ФАЙЛ", type=_FILE, help="Дописывать решения строками JSON.")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Порт /metrics и /health; 0 — не нужен.")
@streams_option
@home_option
def run(
    files: Sequence[str], watch: Path | None, decisions: Path | None, port: int, streams: Path | None, home: Path | None
) -> None:
    """Принять сообщения в журнал и разобрать всё, что в нём ждёт; прерванное продолжается с того же места.

    Без --watch кончается, когда разобрано всё.

    Код завершения: 0 — разобрано всё; 3 — часть строк в карантине; 2 — неверный вызов или настройка; 1 — сбой,
    или остановлено раньше конца.
    """
    folder = find_home(home)
    path = streams or folder / "streams.yaml"
    settings = streams_of(folder, path)
    if on_kafka(settings):
        raise UsageFault("otklik run работает с журналом на одной машине", "на Kafka: otklik produce и otklik up")
    for name in files:
        if name != "-" and not Path(name).is_file():
            raise UsageFault(f"{name}: нет такого файла", "проверьте путь; папку назовите ключом --watch")
    if watch is not None and not watch.is_dir():
        raise UsageFault(f"{watch}: нет такой папки", "создайте её или назовите другую")
    from journal.embedded import EmbeddedJournal

    more: list[object] = ["--port", port]
    if decisions is not None:
        more += ["--decisions", decisions.resolve()]
    child = Child("разбор", worker_command(folder, path, *more), settings.batch.limit_seconds + GRACE_MARGIN)
    with ExitStack() as stack:
        journal = stack.enter_context(EmbeddedJournal(settings.journal))
        started = {topic: journal.end(topic) for topic in (DECIDED, QUARANTINE)}
        taking = Taking(settings, files, watch)
        taking.start()
        code = Supervisor([child], say).run(_finished(journal, taking, decisions))
        taking.stop()
        refused, waiting = journal.end(QUARANTINE) - started[QUARANTINE], _waiting(journal)
        say(f"Разобрано: {grouped(journal.end(DECIDED) - started[DECIDED])}, в карантине: {grouped(refused)}.")
    if taking.error is not None:
        raise taking.error
    if code == DONE and (waiting or not taking.whole):
        say(f"Остановлено раньше конца, ждут разбора: {grouped(waiting)}. Та же команда продолжит.")
        code = FAILED
    click.get_current_context().exit(code or (SOME_REJECTED if refused else DONE))


class Taking(threading.Thread):
    """Intake beside the supervisor, over a journal of its own. ``whole``: all that was named has been taken in."""

    def __init__(self, settings: Streams, files: Sequence[str], watch: Path | None) -> None:
        super().__init__(name="intake", daemon=True)
        self._settings, self._files, self._watch = settings, files, watch
        self._stopping = threading.Event()
        self.error: Exception | None = None
        self.whole = False

    def run(self) -> None:
        from app.intake import Intake
        from journal.embedded import EmbeddedJournal

        try:
            with EmbeddedJournal(self._settings.journal) as journal:
                self._take(Intake(journal))
        except Exception as error:
            self.error = error

    def _take(self, intake: Intake) -> None:
        for name in self._files:
            if self._stopping.is_set():
                return
            if name == "-":
                intake.stream(sys.stdin.buffer)
            else:
                intake.file(Path(name))
        self.whole = True
        while self._watch is not None and not self._stopping.is_set():
            intake.folder(self._watch)
            self._stopping.wait(_WATCH_EVERY)

    def stop(self) -> None:
        """What is inside a file, or waits for standard input, ends with the process; the bookmark has the place."""
        self._stopping.set()
        self.join(_WATCH_EVERY)


def _waiting(journal: EmbeddedJournal) -> int:
    from pipeline.run import READER

    return journal.end(INCOMING) - journal.position(READER, INCOMING)


def _finished(journal: EmbeddedJournal, taking: Taking, decisions: Path | None) -> Callable[[], bool]:
    from app.sink import reader_name

    last = 0.0
    sink = None if decisions is None else reader_name(decisions.resolve())

    def finished() -> bool:
        nonlocal last
        if taking.is_alive() or time.monotonic() - last < _LOOK_EVERY:
            return False
        last = time.monotonic()
        unwritten = sink and journal.end(DECIDED) - journal.position(sink, DECIDED)
        return bool(taking.error) or not (_waiting(journal) or unwritten)

    return finished
