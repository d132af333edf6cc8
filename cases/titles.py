"""What people call a clock; codes stay codes in JSON and in tables."""

from __future__ import annotations

from collections.abc import Mapping

# By ``cases.clocks.ClockName``, in the order of the steps.
CLOCKS: Mapping[str, str] = {
    "dispatch": "рассылка отделу",
    "return": "возврат не по адресу",
    "draft": "проект ответа",
    "approval": "согласование",
    "publish": "размещение",
    "answer": "ответ",
    "interim": "промежуточный ответ",
    "final_draft": "проект окончательного",
    "final": "окончательный ответ",
    "alarm": "тревога",
    "crisis": "человек в беде",
}
