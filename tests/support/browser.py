"""A real browser without a network, for testing pages."""

from __future__ import annotations

import asyncio
import base64
import json
import shutil
import tempfile
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import attrs
import pytest
from tornado.websocket import WebSocketClientConnection, WebSocketClosedError, websocket_connect

from tests.support.processes import PATIENCE, running

T = TypeVar("T")

_NAMES = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM: str | None = next(filter(None, map(shutil.which, _NAMES)), None)
"""The browser's command, where there is one."""

needs_chromium = pytest.mark.skipif(
    CHROMIUM is None, reason="no Chromium here: Debian's is `apt install chromium`"
)

_FLAGS = (
    "--headless=new",
    "--disable-background-networking",
    "--disable-dev-shm-usage",  # of which containers have little
    "--disable-extensions",
    "--disable-gpu",
    "--hide-scrollbars",
    "--host-resolver-rules=MAP * ~NOTFOUND",  # numbers too, and for workers, which stay online
    "--no-first-run",
    "--no-sandbox",  # root may not have one, and the pages are ours
    "--remote-debugging-address=127.0.0.1",
    "--remote-debugging-port=0",
)

_UNTIL = """(async () => {
    for (;;) {
        const value = await (%s);
        if (value) return value;
        await new Promise(resolve => setTimeout(resolve, 10));
    }
})()"""


@attrs.define
class Browser:
    """A Chromium, and the events that it sent in its DevTools protocol."""

    _connection: WebSocketClientConnection
    _loop: asyncio.AbstractEventLoop
    _received: list[dict[str, Any]] = attrs.field(factory=list)
    _calls: int = 0

    def open(self, path: Path, *, width: int = 1200, height: int = 900, dark: bool = False) -> Page:
        """Open a file in an offline tab with a separate profile, and wait until it is loaded."""
        profile = self.call("Target.createBrowserContext")["browserContextId"]
        tab = self.call("Target.createTarget", url="about:blank", browserContextId=profile)
        session = self.call("Target.attachToTarget", targetId=tab["targetId"], flatten=True)
        page = Page(self, profile, session["sessionId"])
        page.prepare()
        page.call("Page.setLifecycleEventsEnabled", enabled=True)
        screen = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        page.call("Emulation.setDeviceMetricsOverride", **screen)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        page.call("Emulation.setEmulatedMedia", features=[scheme])
        page.load(path.absolute().as_uri())
        return page

    def call(self, method: str, session: str = "", **params: Any) -> dict[str, Any]:
        """The result of a command to the tab of a session, or to the browser."""
        self._calls += 1
        command = {"id": self._calls, "method": method, "params": params}

        async def called() -> dict[str, Any]:
            to = {"sessionId": session} if session else {}
            await self._connection.write_message(json.dumps(command | to))
            while (message := await self._receive()).get("id") != command["id"]:
                pass
            return message

        answer = self._patiently(method, called())
        assert "error" not in answer, f"{method}: {answer['error']['message']}"
        result: dict[str, Any] = answer["result"]
        return result

    def events(self, session: str, method: str) -> list[dict[str, Any]]:
        """The parameters of a tab's events of that name so far."""
        which = {"sessionId": session, "method": method}
        return [each["params"] for each in self._received if which.items() <= each.items()]

    def wait_for(self, session: str, method: str, **params: str) -> None:
        """Return as soon as a tab sent such an event."""

        async def came() -> None:
            while not any(params.items() <= each.items() for each in self.events(session, method)):
                await self._receive()

        self._patiently(method, came())

    def close(self) -> None:
        """Close the browser, and wait until it ends."""
        with suppress(EOFError, WebSocketClosedError):
            self.call("Browser.close")
            self.wait_for("", "more")

    async def _receive(self) -> dict[str, Any]:
        text = await self._connection.read_message()
        if text is None:
            self._connection.close()
            raise EOFError("Chromium hung up")
        message: dict[str, Any] = json.loads(text)
        if "method" in message:
            self._received.append(message)
        return message

    def _patiently(self, what: str, work: Coroutine[None, None, T]) -> T:
        try:
            return self._loop.run_until_complete(asyncio.wait_for(work, PATIENCE))
        except asyncio.TimeoutError:
            raise AssertionError(f"not within {PATIENCE:g} s: {what}") from None


@attrs.define
class Page:
    """A tab and its events; it is closed at the end of its `with`, or with the browser."""

    _browser: Browser
    _profile: str
    _session: str
    _document: str = ""

    def __enter__(self) -> Page:
        return self

    def __exit__(self, *_: object) -> None:
        self._browser.call("Target.disposeBrowserContext", browserContextId=self._profile)

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """The result of a command to this tab."""
        return self._browser.call(method, self._session, **params)

    def prepare(self) -> None:
        """Go offline, and record events."""
        for domain in ("Log", "Network", "Page", "Runtime"):
            self.call(f"{domain}.enable")
        rates = {"latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
        self.call("Network.emulateNetworkConditions", offline=True, **rates)

    def frame(self, expression: str) -> Page:
        """The page in the sandboxed frame that an expression in JavaScript makes visible."""
        # such a frame has a process of its own, which waits until its events are recorded
        how = {"autoAttach": True, "flatten": True, "waitForDebuggerOnStart": True}
        self.call("Target.setAutoAttach", **how)
        self.evaluate(expression)
        self._browser.wait_for(self._session, "Target.attachedToTarget")
        (attached,) = self._events("Target.attachedToTarget")
        inner = Page(self._browser, self._profile, attached["sessionId"])
        inner.prepare()
        inner.call("Runtime.runIfWaitingForDebugger")
        return inner

    def load(self, url: str) -> None:
        """Go to *url*, and wait until all of it is loaded, or failed to load."""
        went = self.call("Page.navigate", url=url)
        assert "errorText" not in went, f"{url}: {went['errorText']}"
        self._document = went["loaderId"]
        loaded = {"name": "load", "loaderId": self._document}
        self._browser.wait_for(self._session, "Page.lifecycleEvent", **loaded)

    def evaluate(self, expression: str) -> Any:
        """The value of an expression in JavaScript, awaited if it is a promise."""
        how = {"returnByValue": True, "awaitPromise": True}
        answer = self.call("Runtime.evaluate", expression=expression, **how)
        assert "exceptionDetails" not in answer, _thrown(answer)
        return answer["result"].get("value")

    def wait_for(self, expression: str) -> Any:
        """The value of an expression in JavaScript, as soon as it is truthy."""
        return self.evaluate(_UNTIL % expression)

    @property
    def text(self) -> str:
        """The visible text."""
        return str(self.evaluate("document.body.innerText"))

    @property
    def requests(self) -> list[str]:
        """The addresses that it requested, except its own; embedded data has none."""
        sent = self._events("Network.requestWillBeSent")
        urls = [each["request"]["url"] for each in sent if each["requestId"] != self._document]
        urls += [each["url"] for each in self._events("Network.webSocketCreated")]
        return [url for url in urls if not url.startswith(("blob:", "data:"))]

    @property
    def problems(self) -> list[str]:
        """Uncaught exceptions, and errors and warnings in the console."""
        bad = {"assert", "error", "warning"}
        found = [_thrown(each) for each in self._events("Runtime.exceptionThrown")]
        for each in self._events("Runtime.consoleAPICalled"):
            if each["type"] in bad:
                args = [arg.get("value", arg.get("description")) for arg in each["args"]]
                found.append(" ".join(map(str, args)))
        entries = [each["entry"] for each in self._events("Log.entryAdded")]
        return found + [
            f"{each['text']} {each.get('url', '')}" for each in entries if each["level"] in bad
        ]

    def accessible(self) -> list[tuple[str, str]]:
        """Role and name of everything with an accessible name, in reading order."""
        nodes = {each["nodeId"]: each for each in self.call("Accessibility.getFullAXTree")["nodes"]}

        def below(node: dict[str, Any]) -> Iterator[tuple[str, str]]:
            role, name = (node.get(what, {}).get("value", "") for what in ("role", "name"))
            if name and not node["ignored"] and role != "InlineTextBox":  # a line of StaticText
                yield role, name
            for child in node.get("childIds", ()):
                yield from below(nodes[child]) if child in nodes else ()

        return [each for node in nodes.values() if "parentId" not in node for each in below(node)]

    def screenshot(self, path: Path, *, full_page: bool = True) -> None:
        """Write a PNG of the whole page, or of what the window shows."""
        clip = {**self.call("Page.getLayoutMetrics")["cssContentSize"], "scale": 1}
        how = {"clip": clip, "captureBeyondViewport": True} if full_page else {}
        path.write_bytes(base64.b64decode(self.call("Page.captureScreenshot", **how)["data"]))

    def _events(self, method: str) -> list[dict[str, Any]]:
        self.evaluate("0")  # its answer comes after all earlier events
        return self._browser.events(self._session, method)


def _thrown(result: dict[str, Any]) -> str:
    details = result["exceptionDetails"]
    thrown = details.get("exception", {})
    return str(thrown.get("description", thrown.get("value", details["text"])))


@contextmanager
def browser() -> Iterator[Browser]:
    """A Chromium for many pages, in a temporary home."""
    assert CHROMIUM is not None

    async def connect(url: str) -> WebSocketClientConnection:
        return await websocket_connect(url, max_message_size=2**30)  # for screenshots

    with tempfile.TemporaryDirectory() as home:
        env = dict.fromkeys(["HOME", "TMPDIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"], home)
        command = [CHROMIUM, *_FLAGS, f"--user-data-dir={home}/profile"]
        with running(command, r"DevTools listening on (ws://\S+)", env) as process:
            assert process.match is not None
            loop = asyncio.new_event_loop()
            try:
                started = Browser(loop.run_until_complete(connect(process.match[1])), loop)
                try:
                    yield started
                finally:
                    started.close()
                    process.popen.wait(PATIENCE)  # until its own processes ended
            finally:
                loop.run_until_complete(loop.shutdown_default_executor())
                loop.close()
