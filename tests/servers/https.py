"""Server behind HTTPS, and a browser that keeps its cookies."""

from http.cookies import SimpleCookie
from urllib.parse import urlencode

from tests.servers.processes import Server

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class HttpsServer(Server):
    probe = "/healthz"  # which does not lead to HTTPS


class Browser:
    """Browser at an origin, which it reaches by connections that `connect` makes."""

    def __init__(self, origin, connect, **headers):
        self.origin, self.connect, self.given = origin, connect, headers
        self.cookies = SimpleCookie()

    @property
    def headers(self):
        cookies = "; ".join(f"{name}={cookie.value}" for name, cookie in self.cookies.items())
        return self.given | {"Cookie": cookies, "Origin": self.origin}

    def ask(self, method, path, body=None, **headers):
        client = self.connect()
        client.request(method, path, body, self.headers | headers)
        response = client.getresponse()
        response.text = response.read().decode()
        client.close()
        for value in response.headers.get_all("Set-Cookie", []):
            self.cookies.load(value)
        return response

    def post(self, path, fields, **headers):
        """Send a form with the token of its page."""
        token = self.ask("GET", path).text.split('name="csrfmiddlewaretoken" value="')[1].split('"')[0]
        form = urlencode({"csrfmiddlewaretoken": token} | fields)
        return self.ask("POST", path, form, **FORM, **headers)
