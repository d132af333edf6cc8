"""When a sweep must look at a clock or an alarm next: at once, of all that stand here; it sees what was said before."""

from typing import Any

from django.db import migrations, models
from django.db.models import F, Q


def at_once(apps: Any, schema_editor: Any) -> None:
    apps.get_model("casebook", "Clock").objects.update(look_at=F("started_at"))
    apps.get_model("casebook", "Alarm").objects.update(look_at=F("raised_at"))


class Migration(migrations.Migration):
    dependencies = [("casebook", "0002_band_in_one_number")]
    operations = [
        migrations.AddField("clock", "look_at", models.DateTimeField(null=True)),
        migrations.AddField("alarm", "look_at", models.DateTimeField(null=True)),
        migrations.RunPython(at_once, migrations.RunPython.noop),
        migrations.AlterField("alarm", "look_at", models.DateTimeField()),
        migrations.AddIndex(
            "clock", models.Index(fields=["look_at"], condition=Q(("stopped_at", None)), name="clock_look")
        ),
        migrations.AddIndex(
            "alarm", models.Index(fields=["look_at"], condition=Q(("acknowledged_at", None)), name="alarm_look")
        ),
    ]
