"""Weekly reports, as the caller's role may see them."""

from __future__ import annotations

from typing import Annotated

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router

from casebook.report_week import Week, WeekError
from casebook.reporting import figures
from desk.access import Scope
from desk.api.answers import file_answer
from desk.api.guard import caller, guarded
from desk.problems import Code, Problem
from desk.reports import CONTENT_TYPES, Format, render
from desk.wiring import desk

router = Router(tags=["reports"])


@router.get("/reports/weekly", **guarded(Scope.REPORTS_READ, None))
def weekly(
    request: HttpRequest,
    week: Annotated[str | None, Query(max_length=20, description="`2026-W48`; else the last full week")] = None,
    format: Annotated[Format, Query()] = Format.JSON,
) -> HttpResponse:
    """The figures of a week: as JSON, a page (HTML), a table (CSV) or a workbook (XLSX). No text, no author.

    A head sees those of the own department alone.
    """
    decree, now = desk().decree, desk().now()
    try:
        asked = Week.read(week) if week else Week.last_full(now, decree.clocks.working.zone)
        found = figures(decree, caller(request).user, asked, now)
    except WeekError as error:
        english = "Not a week that can be reported on: 2026-W48 (ISO 8601), not in the future."
        raise Problem(Code.UNSUITABLE, str(error), english, error.mend) from None
    return file_answer(render(found, format), CONTENT_TYPES[format], f"otklik-{found.week}.{format}")
