"""The regulation as one: departments, topics, places, policies and days, read and checked together."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from records import Fault, FaultsError
from regulation.days import Days, read_days
from regulation.departments import Department, read_departments
from regulation.documents import Document, load
from regulation.places import Gazetteer, read_places
from regulation.policies import Policy, read_policies
from regulation.topics import TopicEntry, read_topics

FILES = ("calendar.yaml", "departments.yaml", "places.yaml", "policies.yaml", "topics.yaml")


@dataclass(frozen=True, slots=True)
class Regulation:
    """``version``: first 12 hex digits of the SHA-256 over the bytes of the files in the order of their names;
    ``warnings``: what harms nobody and helps nobody, for ``otklik check``."""

    departments: Mapping[str, Department]
    topics: Mapping[str, TopicEntry]
    places: Gazetteer
    policies: Mapping[str, Policy]
    days: Days
    version: str
    warnings: tuple[Fault, ...] = ()

    @classmethod
    def load(cls, folder: Path) -> Regulation:
        """Read the five files of the folder.

        Raises:
            FaultsError: with each fault of each file.
        """
        faults: list[Fault] = []
        documents = {name: _load(folder / name, faults) for name in FILES}
        calendar, people, ground, decree, themes = documents.values()
        departments = read_departments(people) if people else None
        topics = read_topics(themes, departments) if themes else {}
        policies = read_policies(decree, departments) if decree else {}
        days = read_days(calendar) if calendar else Days({}, {})
        places = read_places(ground) if ground else None
        for document in documents.values():
            faults += document.faults if document else ()
        if departments is None or places is None or not all(fault.warning for fault in faults):
            raise FaultsError(faults)
        return cls(departments, topics, places, policies, days, _version(folder), tuple(faults))


def _load(path: Path, faults: list[Fault]) -> Document | None:
    try:
        return load(path)
    except FaultsError as error:
        faults.extend(error.faults)
        return None


def _version(folder: Path) -> str:
    return hashlib.sha256(b"".join((folder / name).read_bytes() for name in FILES)).hexdigest()[:12]
