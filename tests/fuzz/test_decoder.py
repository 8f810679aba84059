"""Fuzz test of the decoder: each frame is either a command or refused."""

import json
import platform
import subprocess
import sys

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from base.api_errors import ApiError
from chat.protocol import Command
from chat.protocol.dialects import LobbyV1, Plain
from tests.fuzz.frames import TOKENS, VALID
from tests.servers.processes import ROOT

RUNS = 100_000

# Where atheris has wheels: the same as in requirements-dev.in. Elsewhere Hypothesis has to do.
HAS_ATHERIS = sys.platform == "linux" and platform.machine() == "x86_64" and sys.version_info < (3, 15)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["type", "message", "number"]), inner),
)


@pytest.mark.parametrize("dialect", [LobbyV1(), Plain()], ids=["lobby.v1", "plain"])
@example("\ud800")
@example('{"a":' * 12_000)
@example('{"a":' + "[" * 60_000)
@example('{"type": "delete", "number": ' + "9" * 60_000 + "}")
@given(st.text() | st.lists(st.sampled_from([*VALID, *TOKENS])).map("".join) | JSON.map(json.dumps))
def test_any_text_is_a_command_or_refused(dialect, frame):
    try:
        assert isinstance(dialect.command(frame), Command)
    except ApiError as refused:
        assert refused.code == "bad_frame"


if HAS_ATHERIS:  # not skipped elsewhere, but not there

    def test_a_hundred_thousand_mutated_frames_are_commands_or_refused(tmp_path):
        corpus, tokens = tmp_path / "corpus", tmp_path / "tokens"
        corpus.mkdir()
        for number, frame in enumerate(VALID):
            (corpus / str(number)).write_text(frame)
        tokens.write_text("\n".join(map(quoted, TOKENS)))
        options = [f"-runs={RUNS}", f"-dict={tokens}", f"-artifact_prefix={tmp_path}/", "-max_len=70000"]
        done = subprocess.run(
            [sys.executable, "-m", "tests.fuzz.decoder", *options, corpus],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=100,
        )
        assert done.returncode == 0, done.stderr
        assert f"Done {RUNS} runs" in done.stderr


def quoted(token):
    """Return a token in the format of libFuzzer's dictionaries, at most 64 bytes long."""
    return '"' + "".join(f"\\x{byte:02X}" for byte in token.encode()[:64]) + '"'
