"""nginx, Caddy and HAProxy with the files of deploy/, at ports and with a certificate of the tests."""

import os
import shutil
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import trustme

from tests.servers.processes import ROOT, free_port, listens, temporary_var_dir, wait_until

# How long a proxy may take to listen, and to end (seconds).
PATIENCE = 20

# Settings of servers behind a proxy of the tests.
BEHIND_PROXY = {
    "SECRET_KEY": "of both",
    "ALLOWED_HOSTS": "localhost",
    "CSRF_TRUSTED_ORIGINS": "https://localhost",
    "FORWARDED_ALLOW_IPS": "127.0.0.1",
}

# Debian has proxies where not every user looks.
PATH = f"{os.environ['PATH']}:/usr/sbin"


@dataclass(frozen=True)
class Kind:
    """Program with its file, the arguments to run it and to check the file, and what tests replace there."""

    program: str
    file: str
    run: list[str]
    check: list[str]
    replacements: dict[str, str]

    @property
    def text(self):
        return (ROOT / self.file).read_text()

    @property
    def path(self):
        return shutil.which(self.program, path=PATH)


NGINX = Kind(
    "nginx",
    "deploy/nginx/lobby.conf",
    ["-p", ".", "-e", "stderr", "-c", "nginx.conf", "-g", "daemon off;"],
    ["-p", ".", "-e", "stderr", "-c", "nginx.conf", "-t"],
    {
        "listen 80;": "listen 127.0.0.1:{http_port};",
        "listen [::]:80;": "",
        "listen 443 ": "listen 127.0.0.1:{port} ",
        "listen [::]:443 ssl http2;": "",
        "/etc/letsencrypt/live/chat.example.org/fullchain.pem": "{certificate}",
        "/etc/letsencrypt/live/chat.example.org/privkey.pem": "{certificate}",
        "chat.example.org": "localhost",
    },
)
CADDY = Kind(
    "caddy",
    "deploy/caddy/Caddyfile",
    ["run", "--config", "Caddyfile"],
    ["validate", "--config", "Caddyfile"],
    {
        "\n{{\n": "\n{{\nadmin off\nhttp_port {http_port}\nhttps_port {port}\n",
        "{{$SITE:chat.example.org}} {{\n": "localhost {{\ntls {certificate} {certificate}\n",
    },
)
HAPROXY = Kind(
    "haproxy",
    "deploy/haproxy/haproxy.cfg",
    ["-f", "haproxy.cfg"],
    ["-f", "haproxy.cfg", "-c"],
    {
        ":80,[::]:80 v6only": "127.0.0.1:{http_port}",
        ":443,[::]:443 v6only": "127.0.0.1:{port}",
        "/etc/haproxy/chat.example.org.pem": "{certificate}",
    }
    | ({"user haproxy": "", "group haproxy": "", "chroot /var/lib/haproxy": ""} if os.getuid() else {}),
)
KINDS = [NGINX, CADDY, HAPROXY]


def needs(*kinds):
    """Return a mark of tests that need proxies. `bin/test` installs them where it may."""
    names = [kind.program for kind in kinds if not kind.path]
    reason = f"{', '.join(names)} was not found; install it: sudo apt-get install {' '.join(names)}"
    return pytest.mark.skipif(bool(names), reason=reason)


# As Debian's own, which includes files of /etc/nginx/conf.d/.
NGINX_CONF = """
pid nginx.pid;
events { worker_connections 768; }
http {
    access_log off;
    gzip on;
    ssl_protocols TLSv1 TLSv1.1 TLSv1.2 TLSv1.3;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    include lobby.conf;
}
"""


@contextmanager
def trusted_certificate():
    """Return the file of a certificate and its key. Clients trust the authority while the context lasts."""
    authority, directory = trustme.CA(), temporary_var_dir()
    authority.cert_pem.write_to_path(directory / "authority.pem")
    authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(
        directory / "localhost.pem"
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SSL_CERT_FILE", str(directory / "authority.pem"))
        yield directory / "localhost.pem"


@dataclass
class Proxy:
    kind: Kind
    certificate: Path  # with its key
    upstreams: list[int]
    directory: Path = field(default_factory=temporary_var_dir)
    port: int = field(default_factory=free_port)
    http_port: int = field(default_factory=free_port)
    process: subprocess.Popen | None = None

    @property
    def url(self):
        return f"https://localhost:{self.port}"

    @property
    def log(self):
        return (self.directory / "log").read_text()

    def write(self):
        """Write the shipped file with the replacements."""
        replacements = self.kind.replacements | {
            f"127.0.0.1:{shipped}": f"127.0.0.1:{port}"
            for shipped, port in zip([8000, 8001], self.upstreams, strict=True)
        }
        values = {"certificate": self.certificate, "port": self.port, "http_port": self.http_port}
        text = self.kind.text
        for shipped, ours in replacements.items():
            assert shipped.format() in text, shipped
            text = text.replace(shipped.format(), ours.format(**values))
        self.directory.chmod(0o755)  # nginx's workers are another user
        (self.directory / Path(self.kind.file).name).write_text(text)
        (self.directory / "nginx.conf").write_text(NGINX_CONF)

    def start(self, arguments):
        homes = dict.fromkeys(["XDG_DATA_HOME", "XDG_CONFIG_HOME"], str(self.directory))
        with (self.directory / "log").open("a") as log:
            return subprocess.Popen(
                [self.kind.path, *arguments],
                cwd=self.directory,
                env=os.environ | homes,
                stdout=log,
                stderr=log,
            )

    def checks(self):
        """Return whether the proxy's own checker accepts the file."""
        return self.start(self.kind.check).wait(PATIENCE) == 0

    @contextmanager
    def running(self):
        self.begin()
        try:
            yield
        finally:
            self.end()

    def begin(self):
        self.process = self.start(self.kind.run)
        wait_until(self.listens, PATIENCE, lambda: self.log)

    def end(self):
        self.process.terminate()
        self.process.wait(PATIENCE)

    def listens(self):
        assert self.process.poll() is None, self.log
        return listens(self.process.pid, self.port)
