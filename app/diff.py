"""``otklik diff``: which decisions changed between two runs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

import click

from app.changes import FIELDS, LISTS, Changes, CodeCount, Identity, Outcome, compare, outcome
from app.decoding import Encoding, read_lines
from app.errors import DONE, SOME_REJECTED, UsageFault
from app.options import Shown, one_of
from app.rejects import Rejection, Rejects
from app.source import open_source
from app.words import counted, one_line
from records import PostError
from records.strict import json_object

_TITLES = {
    "verdict": "Вердикты",
    "track": "Сроки",
    "department": "Отделы",
    "grounds": "Основания",
    "alarms": "Тревоги",
    "review": "Проверить",
}


@click.command()
@click.argument("a", metavar="БЫЛО.jsonl")
@click.argument("b", metavar="СТАЛО.jsonl")
@click.option("--out", type=one_of(Shown), default=Shown.TEXT.value, show_default=True, help="Вид ответа.")
@click.option(
    "--keys", metavar="N", type=click.IntRange(0), default=5, show_default=True, help="Сколько ключей показать."
)
@click.pass_context
def diff(context: click.Context, a: str, b: str, out: Shown, keys: int) -> None:
    """Показать, какие решения изменились между двумя прогонами.

    Сравниваются вердикты, сроки, отделы, основания, тревоги и пометки «проверить»;
    решения сопоставляются по ключу и редакции. В виде json названы все ключи.
    """
    if a == b == "-":
        raise UsageFault("оба файла — стандартный ввод", "назовите хотя бы один файл")
    rejects = [Rejects(a, more=""), Rejects(b, more="")]
    changes = compare(_outcomes(a, rejects[0]), _outcomes(b, rejects[1]))
    if out is Shown.JSON:
        click.echo(json.dumps(changes.to_json(), ensure_ascii=False, indent=2))
    else:
        click.echo("\n".join(_told(changes, keys)))
    context.exit(SOME_REJECTED if any(refused.count for refused in rejects) else DONE)


def _outcomes(path: str, rejects: Rejects) -> dict[Identity, Outcome]:
    """By key and revision; of repeats the last counts."""
    source = open_source(path)
    found: dict[Identity, Outcome] = {}
    for item in read_lines(source.pieces(), Encoding()):
        if isinstance(item, Rejection):
            rejects.add(item)
        elif item is not None and item.text.strip():
            try:
                identity, what = outcome(json_object(item.text))
                found[identity] = what
            except PostError as error:
                rejects.add(Rejection(item.number, error.reason, error.mend, item.text))
    source.close()
    rejects.close()
    return found


def _told(changes: Changes, limit: int) -> Iterator[str]:
    yield f"Сравнено {_decisions(changes.compared)}, изменилось {changes.changed}."
    for title, only in (("Только в первом", changes.only_a), ("Только во втором", changes.only_b)):
        if only:
            yield f"{title}: {len(only)}{_keys(only, limit)}"
    for name in FIELDS:
        if moves := changes.moved[name]:
            yield f"{_TITLES[name]}:"
            yield from (f"  {move}: {len(keys)}{_keys(keys, limit)}" for move, keys in moves.items())
    for name in LISTS:
        if differing := {code: c for code, c in changes.codes[name].items() if c.gained or c.lost}:
            yield f"{_TITLES[name]}:"
            yield from (f"  {_code_line(code, count, limit)}" for code, count in differing.items())


def _decisions(number: int) -> str:
    return counted(number, "решение", "решения", "решений")


def _code_line(code: str, count: CodeCount, limit: int) -> str:
    changed = (("+", count.gained), ("−", count.lost))
    told = (f"{sign}{len(keys)}{_keys(keys, limit)}" for sign, keys in changed if keys)
    return f"{code}: {count.a} → {count.b}, {', '.join(told)}"


def _keys(keys: Sequence[str], limit: int) -> str:
    if not limit:
        return ""
    more = f" и ещё {len(keys) - limit}" if len(keys) > limit else ""
    return f" ({', '.join(one_line(key) for key in keys[:limit])}{more})"
