"""A log of named topics, carried by one SQLite file or by Kafka; everybody else meets ``protocol`` alone."""

from journal.protocol import Closing, Follower, Journal, JournalError, Message, Outputs, Position, Reader, Record

__all__ = ["Closing", "Follower", "Journal", "JournalError", "Message", "Outputs", "Position", "Reader", "Record"]
