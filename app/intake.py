"""Posts from files, a watched folder and the standard input into ``posts.incoming`` of the embedded journal.

A file is a log that may grow: how far it was taken is a bookmark of its absolute path, moved in the same transaction
as the posts. What was taken is told from what is new by a digest of the items, read anew from the file's beginning.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Self

from app.decoding import Encoding, Lines, read_lines
from app.errors import UsageFault, say
from app.posts import Accepted, Format, Parsed, detected, read_posts
from app.rejects import Rejection, Rejects
from app.source import Source, open_source
from app.words import grouped
from journal import Message
from records import dump
from records.clock import now, stamp
from records.messages import INCOMING, QUARANTINE, Origin, incoming, quarantined
from records.system import why

if TYPE_CHECKING:
    from journal.embedded import EmbeddedJournal

FILE = "file:"
_FILES = "files"  # what a file's position is the position in; no topic of the journal
_STDIN = "-"
_ENDINGS = (".jsonl", ".ndjson", ".txt", ".csv")
_BATCH = 1_000
_BATCH_LETTERS = 4 << 20

Stamp = tuple[int, int, int]  # size in bytes, time of change in nanoseconds, inode


@dataclass(frozen=True, slots=True)
class Taken:
    """How many posts were accepted and how many lines went to quarantine."""

    posts: int = 0
    rejected: int = 0

    def __add__(self, other: Taken) -> Taken:
        return Taken(self.posts + other.posts, self.rejected + other.rejected)


class Intake:
    """``batch``: items of one transaction. What is rejected is shown on stderr as ``otklik triage`` shows it.

    Raises (each method): JournalError: the journal cannot be written; what was taken before stays taken.
    """

    def __init__(self, journal: EmbeddedJournal, *, batch: int = _BATCH) -> None:
        self._journal = journal
        self._batch = batch
        self._seen: dict[Path, dict[Path, Stamp]] = {}
        self._told: set[str] = set()

    def file(self, path: Path, kind: Format | None = None) -> Taken:
        """What the file holds beyond what was taken of it before; a pipe is read to its end.

        A last line without its end is taken as it stands, and once more when it has grown.

        Raises:
            UsageFault: it cannot be read.
        """
        path = path.absolute()
        with closing(open_source(str(path))) as source:
            if source.size is None:
                return self._taken(_Reading(source, str(path), kind), None)
        mark, found = self._mark(path), _stamp(path.stat())
        with closing(_resumed(path, kind, mark)) as reading:
            taken = self._taken(reading, _name(path))
        done = reading.mark(found)
        if done != mark:
            self._journal.mark({_name(path): done.to_json()})
        return taken

    def folder(self, path: Path) -> Taken:
        """One pass: files of known endings that stand still since the last pass and have changed since they were taken.

        What cannot be read is told once and tried again at every pass.
        """
        path = path.absolute()
        taken = Taken()
        before = self._seen.get(path, {})
        try:
            self._seen[path] = dict(_files_of(path))
        except OSError as error:
            self._tell(f"{path} не читается: {why(error)}", "проверьте путь и права на папку")
            return taken
        for file, found in sorted(self._seen[path].items()):
            if before.get(file) == found != self._mark(file).stamp:
                try:
                    taken += self.file(file)
                except UsageFault as fault:
                    self._tell(fault.message, fault.mend)
                except OSError as error:
                    self._tell(f"{file} не читается: {why(error)}", "проверьте путь и права на файл")
        return taken

    def stream(self, stdin: BinaryIO, kind: Format | None = None) -> Taken:
        """Until the end of the input; what has come is appended at each pause."""
        return self._taken(_Reading(Source(getattr(stdin, "raw", stdin), _STDIN), _STDIN, kind), None)

    def _taken(self, reading: _Reading, bookmark: str | None) -> Taken:
        """All that is still to be read, batch by batch; ``bookmark``: the name of that of a file."""
        refused = Rejects(reading.name)
        batch, posts = _Batch(reading.name), 0
        for item in reading:
            if item is not None:
                batch.add(item)
            if batch.size >= self._batch or batch.letters >= _BATCH_LETTERS or item is None:
                posts += self._append(batch, reading, bookmark, refused)
                batch = _Batch(reading.name)
        posts += self._append(batch, reading, bookmark, refused)
        if refused.count:
            lines = f"{_shown(reading.name)}: не принято строк: {grouped(refused.count)}"
            say(f"{lines}; они в карантине: otklik quarantine list")
        return Taken(posts, refused.count)

    def _append(self, batch: _Batch, reading: _Reading, bookmark: str | None, refused: Rejects) -> int:
        """How many posts of the batch were accepted; a rejection is shown once it is on record."""
        if not batch.size:
            return 0
        marks = {bookmark: reading.mark(None).to_json()} if bookmark else {}
        outputs = {topic: messages for topic, messages in batch.outputs.items() if messages}
        self._journal.advance(reading.name, _FILES, reading.here.items, outputs, marks)
        for rejection in batch.rejections:
            refused.add(rejection)
        return len(batch.outputs[INCOMING])

    def _mark(self, path: Path) -> _Mark:
        return _Mark.from_json(self._journal.bookmark(_name(path)))

    def _tell(self, what: str, mend: str) -> None:
        if what not in self._told:
            self._told.add(what)
            say(f"{what}\n    как исправить: {mend}")


@dataclass(frozen=True, slots=True)
class _Point:
    """So many items from the beginning, and the digest of them."""

    items: int = 0
    digest: str = hashlib.sha256().hexdigest()


@dataclass(frozen=True, slots=True)
class _Mark:
    """``here``: how far a file was taken; ``firm``: how far no later growth of the file can change what was read.

    ``stamp`` of the file that was read to its end, ``None`` where it was not.
    """

    here: _Point = field(default_factory=_Point)
    firm: _Point = field(default_factory=_Point)
    stamp: Stamp | None = None

    def to_json(self) -> str:
        return dump(asdict(self))

    @classmethod
    def from_json(cls, line: str | None) -> Self:
        if line is None:
            return cls()
        value = json.loads(line)
        size, changed, inode = value["stamp"] or (0, 0, 0)
        found = (size, changed, inode) if value["stamp"] else None
        return cls(_Point(**value["here"]), _Point(**value["firm"]), found)


class _Reading:
    """Items of an input from its beginning, each with its part of the digest; ``name`` as ``read_posts`` wants it."""

    def __init__(self, source: Source, name: str, kind: Format | None) -> None:
        self.name = name
        self._source = source
        self._items: Parsed = read_posts(self._counted(read_lines(source.pieces(), Encoding())), name, kind)
        self._count, self._digest = 0, hashlib.sha256()
        self._firm, self._firm_digest = 0, self._digest.copy()
        self._lines = self._lines_before = 0

    def __iter__(self) -> Iterator[Accepted | Rejection | None]:
        for item in self._items:
            if item is not None:
                self._pass(item)
            yield item

    @property
    def here(self) -> _Point:
        return _Point(self._count, self._digest.hexdigest())

    def mark(self, read_to_end: Stamp | None) -> _Mark:
        return _Mark(self.here, _Point(self._firm, self._firm_digest.hexdigest()), read_to_end)

    def goes_on_from(self, point: _Point) -> bool:
        """Pass so many items by; whether they are those of the digest."""
        items = iter(self) if point.items else ()
        for _ in items:
            if self._count >= point.items:
                break
        return self.here == point

    def close(self) -> None:
        self._source.close()

    def _counted(self, lines: Lines) -> Lines:
        for line in lines:
            self._lines += line is not None
            yield line

    def _pass(self, item: Accepted | Rejection) -> None:
        """Items made of the latest line, or of the end, may read otherwise when the file has grown: not firm."""
        if self._lines != self._lines_before:
            self._lines_before = self._lines
            self._firm, self._firm_digest = self._count, self._digest.copy()
        raw, read_as = _bytes(item.raw), item.post.revision if isinstance(item, Accepted) else ""
        self._digest.update(f"{read_as} {len(raw)} ".encode() + raw)
        self._count += 1


class _Batch:
    """Messages of items, not yet durable. A post that nobody has stamped is detected now."""

    def __init__(self, name: str) -> None:
        self.outputs: dict[str, list[Message]] = {INCOMING: [], QUARANTINE: []}
        self.rejections: list[Rejection] = []
        self.letters = 0
        self._topic = FILE + Path(name).name

    @property
    def size(self) -> int:
        return sum(map(len, self.outputs.values()))

    def add(self, item: Accepted | Rejection) -> None:
        self.letters += len(item.raw)
        if isinstance(item, Accepted):
            post = detected(item.post)
            self.outputs[INCOMING].append(Message(post.key.encode(), incoming(post)))
        else:
            self.rejections.append(item)
            reason = f"{item.reason}; как исправить: {item.mend}"
            origin = Origin(self._topic, 0, item.line)
            value = quarantined(_bytes(item.raw), reason, "PostError", stamp(now()), origin)
            self.outputs[QUARANTINE].append(Message(None, value))


def _resumed(path: Path, kind: Format | None, mark: _Mark) -> _Reading:
    """Where it stopped; where only its last line has grown, before that; where it is another file, at its start."""
    for point in (mark.here, mark.firm, _Point()):
        reading = _Reading(open_source(str(path)), str(path), kind)
        if reading.goes_on_from(point):
            return reading
        reading.close()
    raise AssertionError("nothing read is always a beginning")


def _files_of(folder: Path) -> Iterator[tuple[Path, Stamp]]:
    """Regular files of known endings; hidden ones and those still being written (``.part``, ``.tmp``) are not."""
    for entry in os.scandir(folder):
        if entry.name.startswith(".") or not entry.name.lower().removesuffix(".gz").endswith(_ENDINGS):
            continue
        try:
            found = entry.stat()
        except OSError:
            continue
        if stat.S_ISREG(found.st_mode):
            yield folder / entry.name, _stamp(found)


def _stamp(found: os.stat_result) -> Stamp:
    return found.st_size, found.st_mtime_ns, found.st_ino


def _name(path: Path) -> str:
    return f"intake:{path}"


def _shown(name: str) -> str:
    return "стандартный ввод" if name == _STDIN else name


def _bytes(raw: str) -> bytes:
    return raw.encode("utf-8", "backslashreplace")
