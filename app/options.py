"""Options that several commands share."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Any

import click

home_option = click.option(
    "--home",
    metavar="ПАПКА",
    type=click.Path(path_type=Path),
    help="Папка с regulation/, rules/, models/ и streams.yaml; иначе OTKLIK_HOME или ближайшая выше.",
)
streams_option = click.option(
    "--streams",
    metavar="ФАЙЛ",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Другой файл вместо streams.yaml.",
)


class Shown(StrEnum):
    """How an answer is shown, where there are two ways."""

    TEXT = "text"
    JSON = "json"


class _OneOf(click.Choice[str]):
    """Words of an enumeration, shown and typed in small letters; the command is given the member."""

    def __init__(self, of: type[StrEnum]) -> None:
        super().__init__([member.value for member in of])
        self._of = of

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        return self._of(super().convert(value, param, ctx))


def one_of(of: type[StrEnum]) -> click.ParamType:
    return _OneOf(of)
