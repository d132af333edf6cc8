"""Settings of a process that only looks at the tables' shape: ``makemigrations``, the type checker.

What runs takes its settings from ``casebook.setup.connect``.
"""

INSTALLED_APPS = ["casebook"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
TIME_ZONE = "UTC"
OTKLIK_FILES = ""
