from decimal import Decimal

from django.core.validators import MinValueValidator
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("push", "0003_feed_without_starter_name"),
    ]

    operations = [
        migrations.AlterField(
            model_name="order",
            name="amount",
            field=models.DecimalField(
                decimal_places=2, max_digits=12, validators=[MinValueValidator(Decimal("0.01"))]
            ),
        ),
    ]
