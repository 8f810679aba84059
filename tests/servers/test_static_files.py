"""Static files: what a browser gets, and what it need not get again."""

import gzip
import http.client
import re
from contextlib import closing

import pytest

from tests.servers.processes import daphne
from tests.servers.tab import TIMEOUT

LATE = b"// late\n" * 100


@pytest.fixture(scope="module", params=["uvicorn", "daphne"])
def server(request, lobby):
    if request.param == "uvicorn":
        yield lobby
        return
    with daphne(var_dir=lobby.var_dir) as other:
        yield other


def get(server, path, method="GET", **headers):
    with closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=TIMEOUT)) as client:
        client.request(method, path, headers={key.replace("_", "-"): headers[key] for key in headers})
        answer = client.getresponse()
        return answer.status, answer.headers, answer.read()


@pytest.fixture(scope="module")
def script(server):
    """Return the address of a script, whose name has a hash."""
    page = get(server, "/chat/")[2].decode()
    return re.search(r'src="(/static/base/js/[^"]+\.js)"', page)[1]


def test_a_file_with_a_hash_in_its_name_is_kept_for_ever_and_may_be_compressed(server, script):
    status, headers, body = get(server, script)
    assert (status, headers["Content-Encoding"]) == (200, None)
    assert {"immutable", "public"} <= set(headers["Cache-Control"].split(", "))
    assert (headers["Vary"], headers["X-Content-Type-Options"]) == ("Accept-Encoding", "nosniff")
    assert headers["Content-Type"].startswith("text/javascript")
    status, headers, compressed = get(server, script, Accept_Encoding="gzip")
    assert (status, headers["Content-Encoding"]) == (200, "gzip")
    assert gzip.decompress(compressed) == body
    assert int(headers["Content-Length"]) == len(compressed) < len(body)


def test_a_hundred_files_do_not_name_the_server(lobby):
    assert "Server" not in get(lobby, "/chat/")[1]


def test_a_file_that_is_kept_for_ever_is_sent_without_validators(server, script):
    headers = get(server, script)[1]
    assert not {"ETag", "Last-Modified"} & set(headers)


def test_a_file_without_a_hash_that_a_browser_has_is_not_sent_again(server):
    icon = "/static/base/img/icon.svg"
    etag = get(server, icon)[1]["ETag"]
    assert get(server, icon, If_None_Match=etag)[::2] == (304, b"")
    assert get(server, icon, If_None_Match='"other"')[0] == 200


def test_a_head_and_a_range_of_a_file(server, script):
    body = get(server, script)[2]
    status, headers, nothing = get(server, script, "HEAD")
    assert (status, int(headers["Content-Length"]), nothing) == (200, len(body), b"")
    assert get(server, script, Range="bytes=5-9")[::2] == (206, body[5:10])
    assert get(server, script, Range=f"bytes={len(body)}-")[0] == 416


def test_a_picture_that_may_be_opened_as_a_page_has_the_policy(server):
    status, headers, _ = get(server, "/static/base/img/icon.svg")
    assert (status, headers["Content-Type"]) == (200, "image/svg+xml")
    assert "default-src 'none'" in headers["Content-Security-Policy"]


@pytest.mark.parametrize("name", ["", "nothing.js", "../bin/run", "%2e%2e/bin/run", "/etc/passwd"])
def test_what_is_no_file_is_not_found(server, name):
    status, _, body = get(server, f"/static/{name}")
    assert status == 404
    assert b"/bin/sh" not in body


def test_a_file_that_was_removed_is_not_found(server):
    page = get(server, "/chat/")[2].decode()
    path = re.search(r"/static/chat/js/[^\"]+\.js", page)[0]
    file = server.var_dir / path.strip("/")
    kept = file.with_suffix(".kept")
    file.rename(kept)
    try:
        status, headers, _ = get(server, path)
    finally:
        kept.rename(file)
    assert status == 404
    assert "default-src 'none'" in headers["Content-Security-Policy"]


@pytest.fixture(scope="module")
def collected(server):
    """Write files below STATIC_ROOT of which no running worker has read. Return their addresses."""
    names = {"hashed": "late.0123456789ab.js", "plain": "late.js", "above": "../late.0123456789ab.js"}
    files = [server.var_dir / "static" / name for name in names.values()]
    files.append(files[0].with_suffix(".js.gz"))
    for file in files:
        file.write_bytes(gzip.compress(LATE) if file.suffix == ".gz" else LATE)
    yield {key: f"/static/{name}" for key, name in names.items()}
    for file in files:
        file.unlink()


def test_a_worker_also_sends_hashed_files_of_other_manifests_as_its_own(server, script, collected):
    """Other workers name them while all are replaced: files collected after the start, and earlier ones."""
    status, headers, body = get(server, collected["hashed"])
    assert (status, body) == (200, LATE)
    known = get(server, script)[1]
    for name in ("Content-Type", "Cache-Control", "Vary", "X-Content-Type-Options", "ETag", "Last-Modified"):
        assert headers[name] == known[name], name
    status, headers, compressed = get(server, collected["hashed"], Accept_Encoding="gzip")
    assert (status, headers["Content-Encoding"]) == (200, "gzip")
    assert gzip.decompress(compressed) == LATE


def test_no_other_name_makes_a_worker_look_at_the_disk(server, collected):
    assert get(server, f"/static/{server.var_dir}/late.0123456789ab.js")[0] == 404
    assert get(server, collected["plain"])[0] == 404
    assert get(server, collected["above"])[0] == 404
    assert get(server, "/static/%2e%2e/late.0123456789ab.js")[0] == 404
    assert get(server, collected["hashed"] + ".gz")[0] == 404
    assert get(server, collected["hashed"].replace("0", "1"))[0] == 404


def test_files_cannot_be_written(server, script):
    assert [get(server, script, method)[0] for method in ("POST", "PUT", "DELETE")] == [405] * 3
