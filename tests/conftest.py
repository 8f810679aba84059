import gc

import pytest
from channels.db import aclose_old_connections, database_sync_to_async
from django.conf import settings
from django.core.management.commands import flush
from django.utils import translation

from chat.models import SiteRules
from tests.faults.doorbell import Doorbell
from tests.servers.processes import Server


@pytest.fixture(autouse=True)
def speak_english():
    """Deactivate the language that a request may have left active in the tests' thread."""
    yield
    translation.deactivate()


@pytest.fixture(scope="session", autouse=True)
def what_was_collected_is_no_garbage():
    """Exclude all modules and tests from garbage collection, which runs after every file."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="module", autouse=True)
def what_a_file_leaves_behind_is_told_of_there():
    """Collect garbage after each file: its warnings fail the test that runs at the time."""
    yield
    gc.collect()


@pytest.fixture(scope="session")
def is_long(request):
    """Return whether faults and floods last as long as docs/promise.md promises."""
    return request.config.getoption("long")


@pytest.fixture(scope="session")
def lobby():
    """Start a server as `bin/run` does: uvicorn with two workers, Valkey, SQLite."""
    with Server(environment={"WORKERS": "2"}) as server:
        yield server


@pytest.fixture(scope="module")
def doorbell():
    """Start a Valkey that tests can hang and kill."""
    doorbell = Doorbell()
    yield doorbell
    doorbell.kill()


@pytest.fixture
async def database(transactional_db):
    """Provide a database, and close the connections of the sockets' thread at the end."""
    yield
    await aclose_old_connections()


@pytest.fixture
def known_site_rules(monkeypatch):
    """Keep the query of the site's rules, which are read once a second, out of counts of queries."""
    monkeypatch.setattr(SiteRules, "cached", SiteRules)


@pytest.fixture
async def guest(database):
    from accounts import actions

    return await database_sync_to_async(actions.create_guest)()


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings):
    """Do not wait for the disk in SQLite: the data need not survive a crash."""
    options = settings.DATABASE["OPTIONS"]
    if "init_command" in options:
        options["init_command"] += ";PRAGMA synchronous=OFF"


@pytest.fixture(scope="session", autouse=True)
def content_types_and_permissions_stay():
    """Keep these rows in a flush, which ends each test with transactions and would create them again.

    It deletes rows: PostgreSQL takes several times as long to truncate small tables.
    """

    def sql_flush(style, connection, **options):
        names = connection.introspection.django_table_names(only_existing=True, include_views=False)
        tables = sorted({*names} - {"django_content_type", "auth_permission"})
        return [f"DELETE FROM {connection.ops.quote_name(table)}" for table in tables]  # noqa: S608

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(flush, "sql_flush", sql_flush)
        patch.setattr(flush, "emit_post_migrate_signal", lambda *args, **options: None)
        yield
