"""A report as one tidy table, a figure a line. «;» between, a byte order mark before: so a Russian Excel opens it."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from casebook.report import Report
from desk.reports.inert import inert
from desk.reports.tables import ABOUT, Kind, Table, Value, tables

HEAD = ("Раздел", "Отдел", "Шаг", "Показатель", "Значение")
Line = tuple[str, str, str, str, Value]


def sheet(report: Report) -> bytes:
    """UTF-8. Spans of time are hours, shares are per cent, both with a comma."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=";", lineterminator="\r\n")
    writer.writerow(HEAD)
    writer.writerow(("Отчёт", "", "", "неделя", report.week))
    for table in tables(report):
        writer.writerows([inert(written(cell)) for cell in line] for line in lines(table))
    return ("\ufeff" + text.getvalue()).encode("utf-8")


def lines(table: Table) -> Iterator[Line]:
    """``(section, department, step, figure, value)``; what is not known is left out. Totals stand for all of what
    they add up: department and step are empty."""
    for row in table.rows:
        yield from _of_row(table, row)
    if table.total:
        yield from _of_row(table, table.total, "Всего")


def _of_row(table: Table, row: Sequence[Value], total: str = "") -> Iterator[Line]:
    about = dict.fromkeys(ABOUT, "")
    for column, value in zip(table.columns, row, strict=True):
        if column.kind in ABOUT and not total:
            about[column.kind] = f"карточка {value}" if isinstance(value, int) else str(value)
    label = total or about[Kind.LABEL]
    for column, value in zip(table.columns, row, strict=True):
        if column.kind not in ABOUT and value is not None:
            unit = ", ч" if column.kind is Kind.SPAN else ", %" if column.kind is Kind.SHARE else ""
            figure = f"{label}: {column.title}{unit}" if label else f"{column.title}{unit}"
            yield table.title, about[Kind.DEPARTMENT], about[Kind.STEP], figure, value


def written(value: Value) -> str:
    if isinstance(value, datetime):
        return f"{value:%d.%m.%Y %H:%M}"
    if isinstance(value, timedelta):
        return f"{value.total_seconds() / 3600:.2f}".replace(".", ",")
    if isinstance(value, float):
        return f"{100 * value:.1f}".replace(".", ",")
    return "" if value is None else str(value)
