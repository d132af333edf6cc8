"""``python -m app`` is ``otklik``."""

from app.command import main

main()
