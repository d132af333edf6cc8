"""A report as a workbook: a sheet a table, numbers as numbers, charts of Excel's own. Strings are never formulas."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from openpyxl import Workbook
from openpyxl.chart import BarChart, LineChart, Reference
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.properties import PageSetupProperties
from openpyxl.worksheet.worksheet import Worksheet

from casebook.report import Report
from desk.reports import titles
from desk.reports.inert import one_line
from desk.reports.tables import Kind, Table, Value, tables

FORMATS = {
    Kind.NUMBER: "#,##0",
    Kind.SHARE: "0.0%",
    Kind.SPAN: "[h]:mm",
    Kind.MOMENT: "DD.MM.YYYY HH:MM",
}
LONGEST = 32_000  # a cell takes 32,767 characters
_WIDEST, _NARROWEST = 48, 11
_HEAD = PatternFill("solid", start_color="1F4E79")
_LINE = Border(top=Side("thin", "1F4E79"))
_BARS = {
    "steps": ("Шаги: в срок и с опозданием", (2, 3)),
    "departments": ("Отделы: в срок и с опозданием", (2, 3)),
    "proposals": ("Предложения маршрута", (2, 3, 4)),
    "alarms": ("Тревоги: время до приёма", (6, 7)),
    "exclusions": ("Решения об исключении", (2,)),
    "second_looks": ("Второй взгляд на «ответ не нужен»", (2,)),
}


def workbook(report: Report) -> bytes:
    book = Workbook()
    _about(_sheet(book, "О чём отчёт"), report)
    for table in tables(report):
        sheet = _sheet(book, table.title)
        _fill(sheet, table)
        if table.rows:
            _chart(sheet, table)
    kept = io.BytesIO()
    book.save(kept)
    return kept.getvalue()


def _sheet(book: Workbook, title: str) -> Worksheet:
    name = re.sub(r"[\\/*?:\[\]]", "", title)[:31].strip("'")
    first = book.worksheets[0] if len(book.worksheets) == 1 and book.worksheets[0].title == "Sheet" else None
    sheet = first or book.create_sheet()
    sheet.title = name
    sheet.sheet_view.showGridLines = False
    sheet.page_setup.orientation, sheet.page_setup.paperSize = "landscape", 9  # A4
    sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight = 1, 0
    sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
    return sheet


def _about(sheet: Worksheet, report: Report) -> None:
    said = (
        ("Отчёт", "о работе с сообщениями граждан"),
        ("Неделя", f"{titles.days(report)} ({report.week})"),
        ("Отдел", titles.whose(report)),
        ("По состоянию на", titles.moment(report.as_of)),
        ("Итог", "за неделю ничего не было" if report.is_empty else "таблицы и графики — на следующих листах"),
    )
    for row, (name, text) in enumerate(said, 1):
        _put(sheet, row, 1, name, Kind.LABEL).font = Font(bold=True)
        _put(sheet, row, 2, text, Kind.TEXT)
    sheet.column_dimensions["A"].width, sheet.column_dimensions["B"].width = 20, 60


def _fill(sheet: Worksheet, table: Table) -> None:
    for at, column in enumerate(table.columns, 1):
        cell = _put(sheet, 1, at, column.title, Kind.TEXT)
        cell.font, cell.fill = Font(bold=True, color="FFFFFF"), _HEAD
        cell.alignment = Alignment(wrap_text=True, vertical="center", horizontal="left" if at == 1 else "center")
        sheet.column_dimensions[get_column_letter(at)].width = _width(table, at - 1)
    for row, values in enumerate(table.rows, 2):
        for at, (value, column) in enumerate(zip(values, table.columns, strict=True), 1):
            _put(sheet, row, at, value, column.kind)
    for at, (value, column) in enumerate(zip(table.total, table.columns, strict=False), 1):
        cell = _put(sheet, len(table.rows) + 2, at, value, Kind.LABEL if at == 1 else column.kind)
        cell.font, cell.border = Font(bold=True), _LINE
    sheet.row_dimensions[1].height = 32
    sheet.freeze_panes = "B2"
    sheet.print_title_rows = "1:1"


def _put(sheet: Worksheet, row: int, column: int, value: Value, kind: Kind) -> Any:
    """Strings are set as such: openpyxl takes one that begins with «=» for a formula."""
    cell: Any = sheet.cell(row, column)
    if isinstance(value, str):
        cell.value = one_line(value)[:LONGEST]
        cell.data_type = "s"
        cell.quotePrefix = value.lstrip().startswith(("=", "+", "-", "@"))
    elif isinstance(value, datetime):
        cell.value = value.replace(tzinfo=None)  # a spreadsheet knows no zones
    else:
        cell.value = value
    cell.number_format = FORMATS.get(kind, "General")
    return cell


def _width(table: Table, at: int) -> float:
    title = max(map(len, table.columns[at].title.split()), default=0) + 2
    texts = [len(str(row[at])) + 2 for row in table.rows if isinstance(row[at], str)]
    usual = 17 if table.columns[at].kind is Kind.MOMENT else _NARROWEST
    return min(max(title, usual, *texts), _WIDEST) if texts else max(title, usual)


def _chart(sheet: Worksheet, table: Table) -> None:
    last = len(table.rows) + 1
    if table.code == "series":
        _place(sheet, table, _line(sheet, last))
    elif table.code in _BARS:
        title, columns = _BARS[table.code]
        _place(sheet, table, _bars(sheet, title, columns, last, is_stacked=table.code != "alarms"))


def _line(sheet: Worksheet, last: int) -> Any:
    chart = LineChart()
    chart.title, chart.y_axis.number_format, chart.y_axis.scaling.max = "Доля ответов в срок", "0%", 1
    chart.y_axis.scaling.min = 0
    chart.add_data(Reference(sheet, min_col=5, min_row=1, max_row=last), titles_from_data=True)
    chart.set_categories(Reference(sheet, min_col=1, min_row=2, max_row=last))
    chart.legend = None
    return chart


def _bars(sheet: Worksheet, title: str, columns: Sequence[int], last: int, *, is_stacked: bool) -> Any:
    chart = BarChart()
    chart.type, chart.title = "bar", title
    chart.grouping, chart.overlap = ("stacked", 100) if is_stacked else ("clustered", 0)
    for column in columns:
        chart.add_data(Reference(sheet, min_col=column, min_row=1, max_row=last), titles_from_data=True)
    chart.set_categories(Reference(sheet, min_col=1, min_row=2, max_row=last))
    chart.x_axis.scaling.orientation = "maxMin"  # as the table has them, from the top
    if len(columns) == 1:
        chart.legend = None
    else:
        chart.legend.position = "b"
    return chart


def _place(sheet: Worksheet, table: Table, chart: Any) -> None:
    chart.x_axis.delete = chart.y_axis.delete = False
    chart.width, chart.height = 20, max(7.5, 0.8 * len(table.rows) + 4)
    sheet.add_chart(chart, f"{get_column_letter(len(table.columns) + 2)}2")
