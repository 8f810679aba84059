from django.db import migrations

# From the chat's models to those of the apps that they moved to.
MOVED = {
    "user": ("accounts", "user"),
    "restingname": ("accounts", "restingname"),
    "export": ("transcripts", "transcript"),
    "chore": ("tasks", "job"),
}


def move(apps, schema_editor):
    """Let permissions and the administration's history refer to the models where they are now."""
    content_types = apps.get_model("contenttypes", "ContentType").objects
    permissions = apps.get_model("auth", "Permission").objects
    for old, (app, new) in MOVED.items():
        found = content_types.filter(app_label="chat", model=old).first()
        if found is None or content_types.filter(app_label=app, model=new).exists():
            continue
        content_types.filter(pk=found.pk).update(app_label=app, model=new)
        for permission in permissions.filter(content_type=found.pk):
            codename = permission.codename.replace(old, new)
            permissions.filter(pk=permission.pk).update(codename=codename)


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0001_initial"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("chat", "0028_apps_of_their_own"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]

    operations = [migrations.RunPython(move, migrations.RunPython.noop)]
