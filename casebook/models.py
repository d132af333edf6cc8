"""The tables. Codes, times and digests everywhere; text of people in ``Text`` alone, whose rows can be emptied."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

CODE = 32


class User(models.Model):
    """Who moves cases. ``department`` and ``office``: of those that see their own cards alone."""

    code = models.CharField(max_length=64, unique=True)
    name = models.CharField(max_length=200)
    role = models.CharField(max_length=CODE)
    department = models.CharField(max_length=CODE, blank=True)
    office = models.CharField(max_length=CODE, blank=True)
    active = models.BooleanField(default=True)
    password = models.CharField(max_length=200, blank=True)  # argon2; empty: nobody can sign in
    one_time = models.BooleanField(default=False)  # the password is good for choosing another alone
    failures = models.PositiveSmallIntegerField(default=0)
    locked_until = models.DateTimeField(null=True)


class Token(models.Model):
    """What a consumer, or a person who has signed in, shows. ``digest``: SHA-256 of its random 256 bits."""

    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="tokens")
    name = models.CharField(max_length=100)
    digest = models.CharField(max_length=64, unique=True)
    scopes = models.JSONField()
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)


class Answered(models.Model):
    """A write of the HTTP API under an idempotency key: what was asked (its digest) and what was answered."""

    user = models.ForeignKey(User, on_delete=models.CASCADE)
    key = models.CharField(max_length=255)
    asked = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField()
    body = models.JSONField()
    at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("user", "key"), name="answered_once"),)


class Text(models.Model):
    """Words of people: a post with its decision, a draft, a reason. Erased, ``body`` is null; ``digest`` stays."""

    digest = models.CharField(max_length=64)
    kind = models.CharField(max_length=CODE)
    body = models.JSONField(null=True)
    created_at = models.DateTimeField()
    erased_at = models.DateTimeField(null=True)


class Ledger(models.Model):
    """One row: how many cases were ever opened, and the digest over their openings. Locked by whoever opens one."""

    cases = models.BigIntegerField(default=0)
    digest = models.CharField(max_length=64, blank=True)


class Case(models.Model):
    """``ordinal``: 1, 2, 3 … without gaps, so that a missing case is seen; ``version`` grows with every event.

    ``due``: the nearest moment by which something is owed, written by whatever moves a clock. ``owner``: the case
    that answers for this one, after a merge. ``external``: the body that the answer must name.
    """

    ordinal = models.BigIntegerField(unique=True)
    key = models.CharField(max_length=200)
    part = models.PositiveSmallIntegerField(default=0)
    revision = models.CharField(max_length=16)
    state = models.CharField(max_length=CODE)
    track = models.CharField(max_length=2, blank=True)
    department = models.CharField(max_length=CODE, blank=True)
    office = models.CharField(max_length=CODE, blank=True)
    external = models.CharField(max_length=CODE, blank=True)
    executor = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="executes")
    network = models.CharField(max_length=CODE)
    author = models.CharField(max_length=64, blank=True)  # SHA-256 of network and author id: to link, not to name
    fingerprint = models.CharField(max_length=16)
    detected_at = models.DateTimeField()
    opened_at = models.DateTimeField()
    version = models.PositiveIntegerField(default=0)
    returns = models.PositiveSmallIntegerField(default=0)
    accepted_at = models.DateTimeField(null=True)
    moved = models.BooleanField(default=False)
    resonance = models.BooleanField(default=False)
    second_look = models.BooleanField(default=False)
    interim = models.BooleanField(default=False)
    draft_number = models.PositiveSmallIntegerField(default=0)
    group = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="alike")
    owner = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="owed")
    due = models.DateTimeField(null=True)
    opening = models.CharField(max_length=64)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("key", "part"), name="case_of_post"),)
        indexes = (
            models.Index(fields=("department", "due"), condition=Q(due__isnull=False), name="case_open_by_due"),
            models.Index(fields=("state", "due"), name="case_state_due"),
        )


class Verdict(models.Model):
    """A decision met by the casebook: identity and codes; its words are in ``text``."""

    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="verdicts")
    revision = models.CharField(max_length=16)
    versions = models.CharField(max_length=64)
    verdict = models.CharField(max_length=CODE)
    track = models.CharField(max_length=2, blank=True)
    department = models.CharField(max_length=CODE, blank=True)
    proposed = models.BooleanField(default=False)
    text = models.ForeignKey(Text, on_delete=models.PROTECT, related_name="verdicts")
    at = models.DateTimeField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=("case", "revision", "versions"), name="verdict_once"),)


class Band(models.Model):
    """A part of a fingerprint, with its number: near copies share at least one (``casebook.duplicates``)."""

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="bands")
    value = models.PositiveIntegerField()
    detected_at = models.DateTimeField()

    class Meta:
        indexes = (models.Index(fields=("value", "detected_at"), name="band_value"),)


class Coexecutor(models.Model):
    """A department that helps the lead one; there is one answer."""

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="coexecutors")
    department = models.CharField(max_length=CODE)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("case", "department"), name="coexecutor_once"),)


class Clock(models.Model):
    """Fields of ``cases.clocks.Clock``. ``counted``: by which count it was made (``casebook.clocks``), from what.

    ``look_at``: when a sweep must look at it next; null: nothing more will be said of it.
    """

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="clocks")
    name = models.CharField(max_length=CODE)
    started_at = models.DateTimeField()
    due = models.DateTimeField()
    limit = models.DateTimeField(null=True)
    stopped_at = models.DateTimeField(null=True)
    why = models.TextField()
    point = models.CharField(max_length=8)
    counted = models.JSONField()
    look_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("case", "name"), condition=Q(stopped_at=None), name="clock_runs_once"),
        )
        indexes = (
            models.Index(fields=("due",), condition=Q(stopped_at=None), name="clock_running"),
            models.Index(fields=("look_at",), condition=Q(stopped_at=None), name="clock_look"),
        )


class Draft(models.Model):
    """A version of the answer. ``digest``: of its text, which identical answers share."""

    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="drafts")
    number = models.PositiveSmallIntegerField()
    interim = models.BooleanField(default=False)
    text = models.ForeignKey(Text, on_delete=models.PROTECT)
    author = models.ForeignKey(User, on_delete=models.PROTECT)
    at = models.DateTimeField()
    published_at = models.DateTimeField(null=True, db_index=True)
    link = models.TextField(blank=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("case", "number"), name="draft_number"),)


class Attachment(models.Model):
    """A file of a draft; its bytes lie in ``files/<digest>``."""

    draft = models.ForeignKey(Draft, on_delete=models.CASCADE, related_name="attachments")
    digest = models.CharField(max_length=64)
    type = models.CharField(max_length=100)
    size = models.PositiveIntegerField()
    name = models.CharField(max_length=200)


class Event(models.Model):
    """Append-only. ``digest`` covers all other fields but ``relayed_at`` and ``previous``'s: the chain of a case.

    ``relayed_at``: the row is the outbox row. ``before``: what an undo restores.
    """

    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="events")
    number = models.PositiveIntegerField()
    kind = models.CharField(max_length=CODE)
    at = models.DateTimeField()
    actor = models.CharField(max_length=64)
    role = models.CharField(max_length=CODE)
    body = models.JSONField()
    before = models.JSONField(null=True)
    digest = models.CharField(max_length=64)
    relayed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("case", "number"), name="event_number"),)
        indexes = (
            models.Index(fields=("id",), condition=Q(relayed_at=None), name="event_outbox"),
            models.Index(fields=("kind", "at"), name="event_kind_at"),
        )


class Root(models.Model):
    """What all cases were at the end of a day: their number, their events, one digest over the last of each chain."""

    day = models.DateField(unique=True)
    cases = models.BigIntegerField()
    events = models.BigIntegerField()
    digest = models.CharField(max_length=64)


class Alarm(models.Model):
    """Open until a named person acknowledges it, day and night. ``look_at``: when a sweep must tell it again."""

    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="alarms")
    revision = models.CharField(max_length=16)
    kind = models.CharField(max_length=CODE)
    raised_at = models.DateTimeField()
    due = models.DateTimeField()
    acknowledged_at = models.DateTimeField(null=True)
    acknowledged_by = models.CharField(max_length=64, blank=True)
    look_at = models.DateTimeField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=("case", "revision", "kind"), name="alarm_once"),)
        indexes = (
            models.Index(fields=("raised_at",), condition=Q(acknowledged_at=None), name="alarm_open"),
            models.Index(fields=("look_at",), condition=Q(acknowledged_at=None), name="alarm_look"),
        )


class Notice(models.Model):
    """One thing said once to one channel: ``what`` names it, so that two sweeps cannot say it twice."""

    what = models.CharField(max_length=120)
    channel = models.CharField(max_length=CODE)
    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="notices")
    alarm = models.ForeignKey(Alarm, null=True, on_delete=models.CASCADE, related_name="notices")
    at = models.DateTimeField()
    body = models.JSONField()
    delivered_at = models.DateTimeField(null=True)
    tries = models.PositiveSmallIntegerField(default=0)
    next_try_at = models.DateTimeField(null=True)
    claimed_until = models.DateTimeField(null=True)
    error = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("what", "channel"), name="notice_once"),)
        indexes = (models.Index(fields=("next_try_at",), condition=Q(delivered_at=None), name="notice_waiting"),)


class Reading(models.Model):
    """Who read which words of people, and when (152-ФЗ). ``what``: the kind of text, or a place in the quarantine."""

    actor = models.CharField(max_length=64)
    what = models.CharField(max_length=100)
    text = models.ForeignKey(Text, null=True, on_delete=models.PROTECT)
    case = models.ForeignKey(Case, null=True, on_delete=models.PROTECT)
    at = models.DateTimeField(db_index=True)


class Beat(models.Model):
    """When a process that leaves no other trace last came round."""

    name = models.CharField(max_length=CODE, unique=True)
    at = models.DateTimeField()
