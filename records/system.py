"""What the system says, in Russian whatever the language of the machine."""

from __future__ import annotations

import errno

_WHY = {
    errno.ENOENT: "нет такого файла или папки",
    errno.EACCES: "нет прав",
    errno.EPERM: "нет прав",
    errno.EISDIR: "это папка",
    errno.ENOTDIR: "на пути к нему стоит файл, а не папка",
    errno.EROFS: "диск только для чтения",
    errno.ENOSPC: "на диске нет места",
    errno.EDQUOT: "место, отведённое на диске, кончилось",
    errno.EFBIG: "файл слишком велик",
    errno.ENAMETOOLONG: "слишком длинное имя",
    errno.ELOOP: "ссылки ведут по кругу",
    errno.EIO: "диск или устройство не отвечает",
    errno.ENXIO: "за этим именем никого нет",
    errno.EBADF: "он закрыт",
    errno.EBUSY: "он занят",
    errno.ETXTBSY: "он занят",
    errno.EMFILE: "открыто слишком много файлов",
    errno.ENFILE: "открыто слишком много файлов",
}


def why(error: OSError) -> str:
    """The reason of an error, to stand after a colon."""
    code = error.errno or 0
    return _WHY.get(code) or f"ошибка системы {errno.errorcode.get(code, code)}"
