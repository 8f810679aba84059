"""New migrations suit the code before them, which serves beside the new code while a version rolls out.

They expand: old code neither misses nor violates anything. What it no longer needs goes a version later.
"""

from copy import copy
from pathlib import Path

import pytest
from django.apps import apps
from django.db import connection, migrations, models
from django.db.migrations.loader import MigrationLoader
from django.db.models import NOT_PROVIDED

from tests.servers.processes import ROOT

# The newest migration of each app when this check was written. Nothing had been released, so these and
# earlier ones need not suit older code.
UNCHECKED = {
    "accounts": "0010_forgotten_log_entries",
    "chat": "0048_membership_role",
    "push": "0006_forgotten_orders",
    "tasks": "0002_job_lease",
    "transcripts": "0006_from_number",
}

# What a version after its last user drops, or what was looked at: "app.name", and why it breaks nothing.
REVIEWED: dict[str, str] = {}

EXPANDING = (
    migrations.AddIndex,
    migrations.RemoveIndex,
    migrations.RenameIndex,
    migrations.AlterModelOptions,
    migrations.AlterModelManagers,
    migrations.RunPython,
)


def refers(field, before):
    """Return whether rows of a new table or column keep old code from deleting what they refer to."""
    relation = field.remote_field
    if not relation or not getattr(relation if field.many_to_many else field, "db_constraint", False):
        return False
    label = relation.model if isinstance(relation.model, str) else relation.model._meta.label
    return tuple(label.lower().split(".")) in before.models


def breaks(operation, before, app):
    """Return whether code that knows the state before may fail after an operation."""
    match operation:
        case migrations.SeparateDatabaseAndState():
            return any(breaks(each, before, app) for each in operation.database_operations)
        case migrations.CreateModel():
            return any(refers(field, before) for _, field in operation.fields)
        case migrations.AddField(field=field):
            is_required = not (field.many_to_many or field.null or field.db_default is not NOT_PROVIDED)
            return is_required or refers(field, before)
        case migrations.AlterField(field=field):
            model = before.apps.get_model(app, operation.model_name)
            old, new = copy(model._meta.get_field(operation.name)), field.clone()
            new.set_attributes_from_name(operation.name)
            new.model = model
            if new.null:  # old code still writes a value
                old.null = True
            return connection.schema_editor()._field_should_be_altered(old, new)
        case _:
            return not isinstance(operation, EXPANDING)


def test_migrations_since_then_expand():
    loader = MigrationLoader(None)
    ours = {config.label for config in apps.get_app_configs() if Path(config.path).parent == ROOT}
    new = {
        (app, name): migration
        for (app, name), migration in loader.disk_migrations.items()
        if app in ours and name > UNCHECKED.get(app, "")
    }
    broken = []
    for (app, name), migration in new.items():
        state = loader.project_state((app, name), at_end=False)
        for operation in migration.operations:
            if breaks(operation, state, app) and f"{app}.{name}" not in REVIEWED:
                broken.append(f"{app}.{name}: {operation.describe()}")
            operation.state_forwards(app, state)
    assert broken == []  # see "Migrations" in CONTRIBUTING.md


@pytest.fixture(scope="module")
def state():
    loader = MigrationLoader(None)
    return loader.project_state(("chat", UNCHECKED["chat"]))


TEXT = models.CharField(max_length=9, default="")
OF_A_ROOM = models.ForeignKey("chat.Room", models.CASCADE, null=True)
LOOSE = models.ForeignKey("chat.Room", models.CASCADE, null=True, db_constraint=False)
EXAMPLES = [
    (migrations.AddField("room", "color", TEXT), True),
    (migrations.AddField("room", "color", models.CharField(max_length=9, default="", db_default="")), False),
    (migrations.AddField("room", "color", models.CharField(max_length=9, null=True)), False),
    (migrations.AddField("report", "other", OF_A_ROOM), True),
    (migrations.AddField("report", "other", LOOSE), False),
    (migrations.CreateModel("Poll", [("id", models.AutoField(primary_key=True)), ("room", OF_A_ROOM)]), True),
    (migrations.CreateModel("Poll", [("id", models.AutoField(primary_key=True)), ("room", LOOSE)]), False),
    (migrations.RemoveConstraint("message", "message_number"), True),
    (migrations.RemoveField("room", "archived_at"), True),
    (migrations.RenameField("room", "archived_at", "closed_at"), True),
    (migrations.DeleteModel("mention"), True),
    (migrations.AlterField("message", "edited_at", models.DateTimeField()), True),
    (migrations.AlterField("message", "text", models.TextField(help_text="What they said.")), False),
    (migrations.AlterField("message", "text", models.TextField(null=True)), False),
    (migrations.AlterField("message", "text", models.CharField(max_length=9)), True),
    (migrations.AddConstraint("room", models.UniqueConstraint(fields=["archived_at"], name="one")), True),
    (migrations.AddIndex("room", models.Index(fields=["archived_at"], name="archived")), False),
    (migrations.RunSQL("DROP TABLE chat_mention"), True),
]


@pytest.mark.parametrize(
    ("operation", "is_broken"), EXAMPLES, ids=lambda each: getattr(each, "describe", str)()
)
def test_what_breaks_code_that_does_not_know_it(state, operation, is_broken):
    assert breaks(operation, state, "chat") == is_broken
