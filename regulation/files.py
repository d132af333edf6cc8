"""Files that people keep: their bytes and their text, or the fault that keeps them from being read."""

from __future__ import annotations

import errno
from pathlib import Path

from records import Fault, FaultsError, file_fault

_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_SAVE = "сохраните файл в кодировке UTF-8 (в Блокноте: «Сохранить как», кодировка UTF-8)"


def read_bytes(path: Path) -> bytes:
    """Raises: FaultsError: there is no such file, or it is a folder, a circle of links, closed to us."""
    try:
        if path.exists() and not path.is_file():
            raise FaultsError([_not_a_file(path)])
        return path.read_bytes()
    except OSError as error:
        raise FaultsError([_unread(path, error)]) from None


def read_text(path: Path) -> str:
    """Text in UTF-8; the mark that Notepad puts first is left out, ends of lines stay as they are.

    Raises:
        FaultsError: also where the file is in another encoding.
    """
    data = read_bytes(path)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FaultsError([_not_utf8(path, data, error.start)]) from None


def _not_a_file(path: Path) -> Fault:
    what = "это папка, а не файл" if path.is_dir() else "это не обычный файл"
    return file_fault(path, what, "уберите её и верните файл" if path.is_dir() else "положите обычный файл")


def _unread(path: Path, error: OSError) -> Fault:
    if error.errno == errno.ELOOP:
        return file_fault(path, "ссылка ведёт сама на себя", "положите вместо ссылки сам файл")
    if isinstance(error, FileNotFoundError) and path.is_symlink():
        return file_fault(path, f"ссылка ведёт в никуда: {path.readlink()}", "положите вместо ссылки сам файл")
    if isinstance(error, FileNotFoundError):
        return file_fault(path, "файла нет", "верните файл или укажите --home")
    if isinstance(error, NotADirectoryError):
        return file_fault(path, "вместо папки здесь файл", "верните папку с её файлами или укажите --home")
    if isinstance(error, PermissionError):
        return file_fault(path, "файл закрыт для чтения", "разрешите читать его (chmod +r)")
    return file_fault(path, f"файл не читается (ошибка системы {error.errno})", "проверьте диск и права")


def _not_utf8(path: Path, data: bytes, bad: int) -> Fault:
    if data.startswith(_UTF16):
        return file_fault(path, "файл в UTF-16, а нужен UTF-8", _SAVE)
    begin = data.rfind(b"\n", 0, bad) + 1
    column = len(data[begin:bad].decode("utf-8-sig")) + 1
    line = data[begin:].splitlines()[0]
    source = data[begin:bad].decode("utf-8-sig") + line[bad - begin :].decode("windows-1251", errors="replace")
    return Fault(str(path), data.count(b"\n", 0, bad) + 1, column, "файл не в UTF-8", _SAVE, source)
