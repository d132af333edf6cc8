"""A log of named topics, carried by one SQLite file or by Kafka; everybody else meets ``protocol`` alone."""

from journal.protocol import Journal, JournalError, Message, Outputs, Position, Reader, Record

__all__ = ["Journal", "JournalError", "Message", "Outputs", "Position", "Reader", "Record"]
