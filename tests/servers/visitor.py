"""Visitor with a browser's cookies, who requests pages of a real server."""

from http.cookiejar import CookieJar
from urllib.parse import quote, urlencode
from urllib.request import HTTPCookieProcessor, ProxyHandler, build_opener

TIMEOUT = 30


class Visitor:
    def __init__(self, server):
        self.url = server.url
        self._jar = CookieJar()
        self._opener = build_opener(HTTPCookieProcessor(self._jar), ProxyHandler({}))
        self.get("/chat/lobby/")  # which makes a guest, and gives the token for forms

    @property
    def cookies(self):
        """Return the cookies as a header for a socket."""
        return {"Cookie": "; ".join(f"{cookie.name}={cookie.value}" for cookie in self._jar)}

    def get(self, path):
        return self._opener.open(f"{self.url}{quote(path, safe='/%')}", timeout=TIMEOUT)

    def post(self, path, **said):
        """Send a form, and follow the redirect."""
        token = next(cookie.value for cookie in self._jar if cookie.name == "csrftoken")
        form = urlencode({"csrfmiddlewaretoken": token} | said, doseq=True).encode()
        return self._opener.open(f"{self.url}{quote(path)}", form, timeout=TIMEOUT)
