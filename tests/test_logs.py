"""What a process that decides says on stderr."""

from __future__ import annotations

import logging

from app.logs import OURS, Seldom


def test_what_a_library_repeats_is_said_once_a_minute_and_what_we_say_always() -> None:
    """A broker that is away for a weekend fills no disk."""
    moment, said = 1_000.0, []
    seldom = Seldom(lambda: moment)

    def says(name: str, message: str, line: int) -> None:
        record = logging.LogRecord(name, logging.ERROR, "client.py", line, message, None, None)
        if seldom.filter(record):
            said.append(message)

    says("aiokafka", "нет брокера", 10)
    says("aiokafka", "нет брокера, попытка 2", 10)
    says("aiokafka", "группа распалась", 20)
    says(f"{OURS}.worker", "начинаю", 10)
    says(f"{OURS}.worker", "начинаю", 10)
    moment += 60
    says("aiokafka", "нет брокера, попытка 3", 10)
    assert said == ["нет брокера", "группа распалась", "начинаю", "начинаю", "нет брокера, попытка 3"]
