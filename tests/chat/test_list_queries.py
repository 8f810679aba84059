"""Queries of the lists of rooms: each reads few rows, however many rooms there are."""

import re

import pytest
from django.db import connection
from django.test import Client

from benchmarks import list_queries

pytestmark = pytest.mark.django_db

TABLES = {"chat_membership", "chat_message", "chat_mention", "chat_room"}

# How many rooms there are; how many are the person's; and how many rows of a table a query may read.
ROOMS = 3000
OWN_ROOMS = 60
MAX_ROWS = 700

# SQLite's name for a scan of a table or an alias of one, unless it ends early in the order of an index.
SCAN = re.compile(r"SCAN (chat_\w+|[U-Z]\d+)\b(?! USING INDEX chat_room_last_message_at_)")


@pytest.fixture
def client(monkeypatch):
    for name, value in {"MESSAGES": 1, "OWN_MESSAGES": 10, "PEOPLE": 60, "MEMBERS": 2}.items():
        monkeypatch.setattr(list_queries, name, value)
    client = Client()
    client.force_login(list_queries.fill(ROOMS, OWN_ROOMS))
    client.get("/chat/")  # the first visit of a day is recorded
    if connection.vendor == "postgresql":
        # In memory, few rows by an index cost less than all; from a disk, not in tables as small as these.
        connection.cursor().execute("ANALYZE; SET LOCAL random_page_cost = 1")
    return client


@pytest.mark.parametrize(("page", "most"), [("index", 10), ("sidebar", 6)])
def test_a_list_reads_few_rows_in_few_queries(client, page, most):
    queries = list_queries.record_queries(client, list_queries.PAGES[page])
    assert len(queries) <= most
    for query in queries:
        if connection.vendor == "sqlite":
            check_plan_of_sqlite(*query)
        else:
            check_plan_of_postgresql(*query)


def check_plan_of_sqlite(sql, params):
    plan = check_no_scan(sql, params)
    unread = [step for step in plan if "number>?" in step and "mention" not in step]
    assert all("message_not_deleted_author" in step for step in unread)


def check_no_scan(sql, params):
    """Return the steps of SQLite's plan, none of which reads a whole table."""
    plan = [row[-1] for row in explain(f"EXPLAIN QUERY PLAN {sql}", params)]
    assert not [step for step in plan if SCAN.match(step)]
    return plan


def check_plan_of_postgresql(sql, params):
    (((described,),),) = explain(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}", params)
    for node in find_nodes(described["Plan"]):
        if node.get("Relation Name") in TABLES:
            rows = node["Actual Rows"] + node.get("Rows Removed by Filter", 0)
            assert rows * node["Actual Loops"] <= MAX_ROWS, node


def explain(sql, params):
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return cursor.fetchall()


def find_nodes(plan):
    """Return the nodes of a plan of PostgreSQL."""
    return [plan, *(node for each in plan.get("Plans", ()) for node in find_nodes(each))]
