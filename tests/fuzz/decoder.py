"""Fuzz target for atheris: each frame is either a command or refused.

    python -m tests.fuzz.decoder -runs=1000000 [directory of frames to begin with]

It takes libFuzzer's options, and ends with a traceback and a file of the input that broke it.
"""

import sys
from typing import get_args

import atheris

with atheris.instrument_imports(include=["chat"]):
    from base.api_errors import ApiError
    from chat.protocol import Command
    from chat.protocol.dialects import LobbyV1, Plain

DIALECTS = LobbyV1(), Plain()
COMMANDS = get_args(Command)


@atheris.instrument_func
def decode(data: bytes) -> None:
    """Decode a frame with both dialects: any text, including lone surrogates."""
    frame = data.decode("utf-8", "surrogateescape")
    for dialect in DIALECTS:
        try:
            command = dialect.command(frame)
        except ApiError as refused:
            assert refused.code == "bad_frame"
            assert refused.reason  # the detail is for people: it needs their language
        else:
            assert isinstance(command, COMMANDS)


if __name__ == "__main__":
    atheris.Setup(sys.argv, decode)
    atheris.Fuzz()
