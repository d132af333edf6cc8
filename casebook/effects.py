"""What each move does beside its row in ``cases.lifecycle``: guards, fields, clocks; gives the body of its event."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from casebook import answering, course, routing
from casebook.turn import Body, Turn
from cases.lifecycle import MoveName

EFFECTS: Mapping[MoveName, Callable[[Turn], Body]] = {
    MoveName.CONFIRM: routing.confirm,
    MoveName.RETURN: routing.return_,
    MoveName.ACCEPT: routing.accept,
    MoveName.ASSIGN: routing.assign,
    MoveName.JOIN: routing.join,
    MoveName.DRAFT: answering.draft,
    MoveName.SEND: answering.send,
    MoveName.APPROVE: answering.approve,
    MoveName.REMARK: answering.remark,
    MoveName.PUBLISH: answering.publish,
    MoveName.PUBLISH_UNAPPROVED: answering.publish_unapproved,
    MoveName.UNPUBLISHABLE: answering.unpublishable,
    MoveName.REPLY: answering.reply,
    MoveName.CLOSE: course.close,
    MoveName.CONFIRM_EXCLUSION: course.close,
    MoveName.CONFIRM_NO_ANSWER: course.close,
    MoveName.RESTORE: course.restore,
    MoveName.RAISE: course.raise_,
    MoveName.LOWER: course.lower,
    MoveName.SPLIT: routing.split,
    MoveName.MERGE: routing.merge,
    MoveName.WITHDRAW: course.withdraw,
    MoveName.ESCALATE: course.escalate,
    MoveName.RECALL: course.recall,
}
