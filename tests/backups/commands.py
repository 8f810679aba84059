"""Management commands beside a server, with its settings."""

import subprocess

import pytest

from tests.servers.processes import manage


def run(server, *arguments, **environment):
    return manage(*map(str, arguments), **{"VAR_DIR": str(server.var_dir)} | server.environment | environment)


def refusal(server, *arguments, **environment):
    """Run a command that fails. Return its error."""
    with pytest.raises(subprocess.CalledProcessError) as failed:
        run(server, *arguments, **environment)
    assert "Traceback" not in failed.value.stderr
    return failed.value.stderr
