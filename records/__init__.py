"""What passes between all other packages: posts, decisions and their parts, and their JSON.

Nothing here depends on another package of the house. The JSON is that of ``docs/streams.md``.
"""

from records.decision import (
    Alarm,
    AlarmKind,
    Also,
    Decision,
    Evidence,
    Ground,
    Hit,
    Place,
    Reason,
    ReasonCode,
    Review,
    ReviewCode,
    Route,
    Significance,
    Topic,
    Track,
    Verdict,
)
from records.fault import Fault, FaultsError, file_fault
from records.json import decision_to_json, dump, post_from_json, post_to_json
from records.post import Attachment, Parent, Post, PostError, revision_of

__all__ = [
    "Alarm",
    "AlarmKind",
    "Also",
    "Attachment",
    "Decision",
    "Evidence",
    "Fault",
    "FaultsError",
    "Ground",
    "Hit",
    "Parent",
    "Place",
    "Post",
    "PostError",
    "Reason",
    "ReasonCode",
    "Review",
    "ReviewCode",
    "Route",
    "Significance",
    "Topic",
    "Track",
    "Verdict",
    "decision_to_json",
    "dump",
    "file_fault",
    "post_from_json",
    "post_to_json",
    "revision_of",
]
