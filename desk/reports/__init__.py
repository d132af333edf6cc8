"""A report to read, print and reckon with: ``render(report, format)``."""

from __future__ import annotations

from enum import StrEnum

from casebook.report import Report


class Format(StrEnum):
    HTML = "html"
    CSV = "csv"
    XLSX = "xlsx"
    JSON = "json"


CONTENT_TYPES = {
    Format.HTML: "text/html; charset=utf-8",
    Format.CSV: "text/csv; charset=utf-8",
    Format.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    Format.JSON: "application/json",
}


def render(report: Report, format: Format) -> bytes:
    """A whole file. Django must be set up (``casebook.setup.connect``) for HTML. The same report gives the same
    bytes, but for the times that a spreadsheet file keeps of itself."""
    if format is Format.HTML:
        from desk.reports.html import page

        return page(report).encode()
    if format is Format.CSV:
        from desk.reports.csv import sheet

        return sheet(report)
    if format is Format.XLSX:
        from desk.reports.xlsx import workbook

        return workbook(report)
    import json

    from casebook.report import to_json

    return (json.dumps(to_json(report), ensure_ascii=False, indent=2) + "\n").encode()
