"""WebKitGTK's MiniBrowser, by its WebDriver, on a display of its own."""

import asyncio
import os
import shutil
import subprocess
import tempfile
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from pathlib import Path

from selenium import webdriver
from selenium.common import WebDriverException
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.client_config import ClientConfig
from selenium.webdriver.remote.remote_connection import RemoteConnection
from selenium.webdriver.webkitgtk.options import Options
from selenium.webdriver.webkitgtk.service import Service
from urllib3.exceptions import TimeoutError

from tests.engines import tab

KEYS = {"Enter": Keys.ENTER, "Escape": Keys.ESCAPE, "ArrowUp": Keys.ARROW_UP}

# How long the driver may take to answer (seconds).
PATIENCE = 60

MISSING = "WebKit was not found; install it: sudo apt-get install webkit2gtk-driver xvfb"


class Tab(tab.Tab):
    errors = (WebDriverException,)

    def __init__(self, driver):
        self.driver, self.window = driver, driver.current_window_handle

    async def _call(self, name, *arguments):
        """Call a method of the driver for this tab, which is then the visible one."""
        return await asyncio.to_thread(self._call_now, name, *arguments)

    def _call_now(self, name, *arguments):
        if self.driver.current_window_handle != self.window:
            self.driver.switch_to.window(self.window)
        return getattr(self.driver, name)(*arguments)

    async def open(self, url):
        await self._call("get", url)

    async def run(self, script, *arguments):
        return await self._call("execute_script", f"return ({script})(...arguments)", *arguments)

    async def click(self, selector):
        await self.until_shown(selector)
        element = await self._call("find_element", "css selector", selector)
        await asyncio.to_thread(element.click)

    async def type(self, text):
        focused = await self.run("() => document.activeElement")
        await asyncio.to_thread(focused.send_keys, text)

    async def press(self, key):
        await self.type(KEYS[key])

    async def resize(self, width, height):
        await self._call("set_window_size", width, height)
        await self.until("(width, height) => innerWidth === width && innerHeight === height", width, height)

    async def beside(self):
        await asyncio.to_thread(self.driver.switch_to.new_window, "tab")
        return Tab(self.driver)


@asynccontextmanager
async def launched():
    """Start a driver. Return a function that opens a tab of a new person, in a browser of its own."""
    with display() as name, tempfile.TemporaryFile() as log:
        assert shutil.which("WebKitWebDriver"), MISSING
        service = Service("WebKitWebDriver", env=os.environ | {"DISPLAY": name}, log_output=log)
        service.start()
        try:
            yield partial(opened, service)
        finally:
            service.stop()


@contextmanager
def display():
    """Start a display without a screen, and return its name."""
    assert shutil.which("Xvfb"), MISSING
    read, write = os.pipe()
    command = ["Xvfb", "-displayfd", str(write), "-screen", "0", "1280x1024x24", "-nolisten", "tcp"]
    with subprocess.Popen(command, pass_fds=[write], stderr=subprocess.DEVNULL) as process:
        os.close(write)
        try:
            with os.fdopen(read) as numbers:
                yield f":{numbers.readline().strip()}"
        finally:
            process.terminate()


@asynccontextmanager
async def opened(service):
    driver = await asyncio.to_thread(start_session, service)
    try:
        tab = Tab(driver)
        await tab.resize(1280, 800)
        yield tab
    finally:
        await asyncio.to_thread(driver.quit)


def start_session(service):
    """Start a browser. On a busy machine, it may never answer its driver: then start both again, once."""
    config = ClientConfig(service.service_url, timeout=PATIENCE)
    try:
        return webdriver.Remote(RemoteConnection(client_config=config), options=options())
    except TimeoutError:
        service.stop()
        service.start()
    return webdriver.Remote(RemoteConnection(client_config=config), options=options())


def options():
    options = Options()
    options.binary_location = str(next(Path("/usr/lib").glob("*/webkit2gtk-4.*/MiniBrowser")))
    options.add_argument("--automation")
    options.add_argument("--full-screen")
    return options
