"""Where this machine's own browser reaches a server."""


def local_host(host: str) -> str:
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104


def local_url(host: str, port: int) -> str:
    host = local_host(host)
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"
