"""Click's own words in Russian, whatever the locale of the machine.

Click sends its messages through ``gettext``, which asks the locale; an office machine or a container often has none.
The name ``_`` in click's modules is replaced instead; a message that is not in the table stays English.
"""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType

from click import Command, Group, core, decorators, exceptions, formatting, parser, types

_WORDS = {
    "Usage:": "Как вызывать:",
    "Options": "Параметры",
    "Commands": "Команды",
    "Show this message and exit.": "Показать эту справку.",
    "Show the version and exit.": "Показать версию.",
    "%(prog)s, version %(version)s": "%(prog)s %(version)s",
    "Error: {message}": "Ошибка: {message}",
    "Try '{command} {option}' for help.": "Справка: {command} {option}",
    "No such option: {name}": "Нет такого параметра: {name}",
    "No such command {name!r}.": "Нет такой команды: {name}",
    "Missing command.": "Не названа команда.",
    "Missing argument": "Не хватает аргумента",
    "Missing option": "Не хватает параметра",
    "Missing parameter": "Не хватает параметра",
    "Missing parameter: {param_name}": "Не хватает параметра: {param_name}",
    "Missing {param_type}": "Не хватает: {param_type}",
    "Invalid value: {message}": "Неверное значение: {message}",
    "Invalid value for {param_hint}: {message}": "Неверное значение {param_hint}: {message}",
    "Option {name!r} does not take a value.": "Параметр {name} пишется без значения.",
    "{value!r} is not a valid {number_type}.": "«{value}» — не целое число.",
    "{value} is not in the range {range}.": "{value} вне пределов {range}.",
    "required": "обязателен",
    "default: {default}": "по умолчанию: {default}",
    "{name} {filename!r} does not exist.": "нет такого: {filename}",
    "{name} {filename!r} is a file.": "{filename} — это файл, а нужна папка",
    "{name} {filename!r} is a directory.": "{filename} — это папка, а нужен файл",
    "{name} {filename!r} is not readable.": "{filename} не читается",
    "Aborted!": "Прервано.",
}
_PLURALS = {
    "Option {name!r} requires an argument.": "Параметру {name} нужно значение.",
    "Got unexpected extra argument ({args})": "Лишний аргумент: {args}",
    "{value!r} is not {choice}.": "«{value}» — не из списка: {choices}.",
    "Did you mean {possibility}?": "Похоже на: {possibilities}",
}


def _translate(message: str) -> str:
    return _WORDS.get(message, message)


def _translate_plural(one: str, many: str, count: int) -> str:
    return _PLURALS.get(one, one if count == 1 else many)


def speak_russian(group: Group) -> None:
    """Also names what the usage lines of the group and its commands stand for."""
    modules: tuple[ModuleType, ...] = (core, decorators, exceptions, formatting, parser, types)
    for module in modules:
        for name, translation in (("_", _translate), ("ngettext", _translate_plural)):
            if hasattr(module, name):
                setattr(module, name, translation)
    for command in _all(group):
        command.options_metavar = "[ПАРАМЕТРЫ]"
        if isinstance(command, Group):
            command.subcommand_metavar = "КОМАНДА …"


def _all(command: Command) -> Iterator[Command]:
    """The command, and those inside it."""
    yield command
    for inner in command.commands.values() if isinstance(command, Group) else ():
        yield from _all(inner)
