"""What Django must know beside the tables (``casebook.setup.connect``) to answer over HTTP."""

from __future__ import annotations

import secrets
from typing import Any

LARGEST_BODY = 24 * 2**20


def web_settings(hosts: list[str]) -> dict[str, Any]:
    """Settings of Django. ``hosts``: names that the service is called by."""
    return {
        "ROOT_URLCONF": "desk.urls",
        "ALLOWED_HOSTS": hosts,
        "MIDDLEWARE": ["desk.middleware.problems"],
        "SECRET_KEY": secrets.token_urlsafe(),  # nothing outlives the process that is signed with it
        "STATIC_URL": "/static/",
        "APPEND_SLASH": False,
        "DATA_UPLOAD_MAX_MEMORY_SIZE": LARGEST_BODY,
        "FILE_UPLOAD_MAX_MEMORY_SIZE": LARGEST_BODY,
        "DATA_UPLOAD_MAX_NUMBER_FIELDS": 100,
        "USE_I18N": False,
        "LOGGING_CONFIG": None,
        "TEMPLATES": [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}],
    }
