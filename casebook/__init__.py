"""Cases, their events and alarms, in tables. ``casebook.setup.connect`` first: Django must know its database."""
