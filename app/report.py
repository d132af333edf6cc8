"""``otklik report``: the figures of a week as a page, a workbook, a table or JSON."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from app.errors import UsageFault, say
from app.options import home_option, one_of
from app.tables import moment_of, now_option, open_casebook, user_of
from app.target import is_standard, opened
from desk.reports import Format

if TYPE_CHECKING:
    from datetime import datetime

    from casebook.decree import Decree
    from casebook.report_week import Week


@click.command()
@click.option("--week", "written", metavar="НЕДЕЛЯ", help="Неделя по ISO: 2026-W48; иначе последняя полная.")
@click.option("--as", "user_code", metavar="КТО", help="Что видит этот пользователь; иначе всё.")
@click.option("--out", metavar="ФАЙЛ", help="Куда записать; без него — на стандартный вывод.")
@click.option("--format", "named", type=one_of(Format), help="Вид; иначе по окончанию файла, а без него — html.")
@now_option
@home_option
def report(
    written: str | None,
    user_code: str | None,
    out: str | None,
    named: Format | None,
    moment: str | None,
    home: Path | None,
) -> None:
    """Отчёт за неделю: выявлено, исключено, в срок и с опозданием, тревоги, возвраты, предложения маршрута.

    HTML — для чтения и печати, XLSX и CSV — для таблиц, JSON — для программ. Текстов сообщений и авторов в нём нет.
    Начальник отдела и исполнитель (--as) видят свой отдел, остальные — все.
    """
    format_ = _format(named, out)
    decree = open_casebook(home)
    from casebook.report_week import WeekError
    from casebook.reporting import figures
    from casebook.sweep import SYSTEM
    from desk.reports import render

    now = moment_of(moment, decree)
    user = user_of(user_code) if user_code else SYSTEM
    try:
        found = figures(decree, user, _week(written, decree, now), now)
    except WeekError as error:
        raise UsageFault(f"--week: {error}", error.mend) from None
    data = render(found, format_)
    with opened(out or "-") as target:
        target.write(data)
    if out and not is_standard(out):
        say(f"Отчёт за {found.week} записан: {out}")


def _format(named: Format | None, out: str | None) -> Format:
    if named is None and (out is None or is_standard(out)):
        named = Format.HTML
    if named is None:
        ending = Path(out or "").suffix.lower().lstrip(".")
        if ending not in set(Format):
            mend = f"назовите файл .{', .'.join(Format)} или добавьте --format"
            raise UsageFault(f"по окончанию «{ending or 'нет'}» не понять, какой нужен вид", mend)
        named = Format(ending)
    if named is Format.XLSX and (out is None or is_standard(out)) and standard_output_is_screen():
        raise UsageFault("XLSX на экран не выводят", "назовите файл: --out отчёт.xlsx")
    return named


def standard_output_is_screen() -> bool:
    return click.get_binary_stream("stdout").isatty()


def _week(written: str | None, decree: Decree, now: datetime) -> Week:
    from casebook.report_week import Week

    return Week.read(written) if written else Week.last_full(now, decree.clocks.working.zone)
