"""The administration's own data, edited by people, and its one reader."""

from regulation.book import Regulation
from regulation.days import Day, DayKind, Days
from regulation.departments import Department
from regulation.places import Found, Gazetteer, Named, Office
from regulation.policies import Policy
from regulation.topics import TopicEntry, Urgency

__all__ = [
    "Day",
    "DayKind",
    "Days",
    "Department",
    "Found",
    "Gazetteer",
    "Named",
    "Office",
    "Policy",
    "Regulation",
    "TopicEntry",
    "Urgency",
]
