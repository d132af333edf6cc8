"""The HTTP API: one module a subject; ``desk.api.build`` puts them together."""
