"""A band's number and value become one number: what shares a band is then asked for by one list of numbers."""

from typing import Any

from django.db import migrations, models
from django.db.models import F


def join(apps: Any, schema_editor: Any) -> None:
    apps.get_model("casebook", "Band").objects.update(value=F("number") * 1024 + F("value"))


def part(apps: Any, schema_editor: Any) -> None:
    """``number`` is nought in every row by then."""
    bands = apps.get_model("casebook", "Band").objects
    for number in range(7):
        bands.filter(value__gte=number * 1024, value__lt=(number + 1) * 1024, number=0).update(
            number=number, value=F("value") - number * 1024
        )


class Migration(migrations.Migration):
    dependencies = [("casebook", "0001_initial")]
    operations = [
        migrations.RunPython(join, part),
        migrations.RemoveIndex(model_name="band", name="band_value"),
        migrations.RemoveField(model_name="band", name="number"),
        migrations.AddIndex(
            model_name="band",
            index=models.Index(fields=["value", "detected_at"], name="band_value"),
        ),
    ]
