"""Decisions for the monitoring centre: ``python consumer.py kafka.local:9092`` (needs kafka-python and crc32c)."""
# Delivery is at least once: the same (key, revision) may come again.

import json
import sys

from kafka import KafkaConsumer

consumer = KafkaConsumer(
    "posts.decided",  # posts.alarms: only those with an alarm
    bootstrap_servers=sys.argv[1:] or ["localhost:9092"],
    group_id="monitoring",  # consumers of one group share the partitions
    enable_auto_commit=False,
    auto_offset_reset="earliest",
    session_timeout_ms=10_000,  # one that dies is missed so soon
)


def handle(value: bytes) -> None:
    decision = json.loads(value)["decision"]
    department = (decision["route"] or {}).get("department")
    print(decision["key"], decision["verdict"], decision["track"], department, sep="\t", flush=True)


while True:
    for records in consumer.poll(timeout_ms=1000).values():
        for record in records:
            handle(record.value)  # parsed here: a value_deserializer that raises would stop the consumer for good
    consumer.commit()  # only what has been handled
