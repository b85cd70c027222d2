"""Opening the page: loopback alone, whatever the environment says, and refusals before anything
listens.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from gradio import http_server

from backend.errors import RefusedError, StoreError
from backend.settings import check_host
from tests.ui.conftest import free_port
from tests.ui.scripted_studio import ScriptedStudio
from ui import serve as serve_module
from ui.editor import build_script
from ui.guard import Guard
from ui.serve import reserve_port, serve


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "LOCALHOST", "::1", "[::1]"])
def test_this_machine_is_served(host):
    check_host(host)


@pytest.mark.parametrize(
    "host",
    [
        "0.0.0.0",
        "::",
        "127.0.0.2",
        "192.168.1.5",
        "10.0.0.1",
        "studio.lan",
        "",
        "localhost.evil.example",
    ],
)
def test_every_other_address_is_refused_with_a_sentence(host, tmp_path):
    with pytest.raises(RefusedError) as refused:
        serve(ScriptedStudio(), host, free_port(), tmp_path / "uploads")
    assert "127.0.0.1" in refused.value.remedy
    assert not (tmp_path / "uploads").exists()


def test_the_other_loopback_address_is_served_where_there_is_one(tmp_path):
    if not has_ipv6():
        with pytest.raises(StoreError):
            serve(ScriptedStudio(), "::1", free_port(), tmp_path / "uploads")
        return
    port = free_port()
    served = serve(ScriptedStudio(), "::1", port, tmp_path / "uploads")
    assert served.url == f"http://[::1]:{port}"
    assert httpx.get(served.url + "/", trust_env=False).status_code == 200
    served.close()


def test_a_port_that_is_taken_is_told(tmp_path):
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        with pytest.raises(StoreError, match=str(port)):
            reserve_port("127.0.0.1", port)
    with pytest.raises(StoreError):
        reserve_port("127.0.0.1", 70_000)
    assert reserve_port("127.0.0.1", 0) > 0


OPENED = """
import pathlib, sys
from tests.ui.scripted_studio import ScriptedStudio
from ui.serve import serve
print("gradio" in sys.modules)
served = serve(ScriptedStudio(), "127.0.0.1", int(sys.argv[1]), pathlib.Path(sys.argv[2]))
page = served.page
print(page.server_name, page.local_url, page.root_path, page.allowed_paths)
print(page.share, page.share_url, page.mcp_server, page.ssr_mode, page.analytics_enabled)
print(page.run_history, page.enable_monitoring, hasattr(page, "_static_worker_pool"))
served.close()
"""


@pytest.mark.slow
def test_the_environment_opens_no_door(tmp_path):
    port = free_port()
    loud = {
        "GRADIO_SERVER_NAME": "0.0.0.0",
        "GRADIO_SERVER_PORT": str(port + 1),
        "GRADIO_SHARE": "True",
        "GRADIO_MCP_SERVER": "True",
        "GRADIO_SSR_MODE": "True",
        "GRADIO_ALLOWED_PATHS": "/",
        "GRADIO_ROOT_PATH": "https://evil.example",
        "GRADIO_NUM_WORKERS": "2",
        "GRADIO_ANALYTICS_ENABLED": "True",
        "GRADIO_RUN_HISTORY": "True",
    }
    done = subprocess.run(
        [sys.executable, "-c", OPENED, str(port), str(tmp_path / "uploads")],
        cwd=Path(__file__).parents[2],
        env={**os.environ, **loud},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    web = str(Path(__file__).parents[2] / "ui" / "web")
    assert done.stdout.strip().splitlines() == [
        "False",
        f"127.0.0.1 http://127.0.0.1:{port}/  ['{web}']",
        "False None False False False",
        "False False False",
    ]


PROXIES = (
    {"http_proxy": "http://127.0.0.1:9", "HTTPS_PROXY": "http://127.0.0.1:9"},
    {"ALL_PROXY": "socks4://127.0.0.1:9", "no_proxy": "example.com"},
    {"http_proxy": "no address at all", "SSL_CERT_FILE": "/nowhere/certificates.pem"},
)


@pytest.mark.parametrize("proxies", PROXIES)
def test_proxies_of_the_environment_are_not_asked(tmp_path, monkeypatch, proxies):
    for name, value in proxies.items():
        monkeypatch.setenv(name, value)
    before = dict(os.environ)
    served = serve(ScriptedStudio(), "127.0.0.1", free_port(), tmp_path / "uploads")
    try:
        with httpx.Client(base_url=served.url, trust_env=False, timeout=20) as client:
            assert client.get("/").status_code == 200
        assert {name: os.environ.get(name) for name in (*proxies, "no_proxy")} == {
            name: before.get(name) for name in (*proxies, "no_proxy")
        }
    finally:
        served.close()


def test_a_machine_that_answers_after_seconds_is_served(tmp_path, monkeypatch):
    """Gradio gives up on a page after 3 seconds, and on a port after 5."""
    usual = Guard.__call__

    async def answer_late(self, scope, receive, send):
        if scope["type"] == "http":
            await asyncio.sleep(3.5)
        await usual(self, scope, receive, send)

    monkeypatch.setattr(Guard, "__call__", answer_late)
    startup = http_server.Server.startup

    async def start_late(self, sockets=None):
        await asyncio.sleep(5.5)
        await startup(self, sockets)

    monkeypatch.setattr(http_server.Server, "startup", start_late)
    served = serve(ScriptedStudio(), "127.0.0.1", free_port(), tmp_path / "uploads")
    try:
        with httpx.Client(base_url=served.url, trust_env=False, timeout=60) as client:
            assert client.get("/").status_code == 200
    finally:
        served.close()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_start_that_fails_is_a_sentence(tmp_path, monkeypatch):
    async def fail(self, sockets=None):
        raise RuntimeError("no event loop on this machine")

    monkeypatch.setattr(http_server.Server, "startup", fail)
    with pytest.raises(StoreError, match=r"ended before its port was open\. .*another --port"):
        serve(ScriptedStudio(), "127.0.0.1", free_port(), tmp_path / "uploads")


@pytest.mark.parametrize("name", ["a # b", "a ? b", "50%20 off", "été 森", "plain", "a'b\"c"])
def test_the_modules_are_found_in_a_folder_of_any_name(name):
    script = build_script(Path("/srv") / name / "web")
    folder = json.loads(script.split("const settings = ")[1].split(";\n")[0])["folder"]
    address = httpx.URL(f"http://127.0.0.1:7860/gradio_api/file={folder}/main.js")
    assert address.path == f"/gradio_api/file=/srv/{name}/web/main.js"
    assert (address.query, address.fragment) == (b"", "")


def test_what_gradio_raises_at_the_start_is_a_sentence(tmp_path, monkeypatch):
    def fail(*_, **__):
        raise ValueError("When localhost is not accessible, a shareable link must be created.")

    monkeypatch.setattr(serve_module, "_launch", fail)
    with pytest.raises(StoreError, match=r"could not be opened on port \d+ .*Try another --port"):
        serve(ScriptedStudio(), "127.0.0.1", free_port(), tmp_path / "uploads")


WAITING = """
import pathlib, signal, sys
from tests.ui.scripted_studio import ScriptedStudio
from ui.serve import serve
signal.signal(signal.SIGTERM, signal.default_int_handler)
served = serve(ScriptedStudio(), "127.0.0.1", 0, pathlib.Path(sys.argv[1]))
print(served.url, flush=True)
try:
    served.wait()
except KeyboardInterrupt:
    print("closed", flush=True)
"""


@pytest.mark.slow
def test_an_interrupt_closes_it_though_a_page_holds_its_connection(tmp_path):
    command = [sys.executable, "-c", WAITING, str(tmp_path / "uploads")]
    process = subprocess.Popen(
        command, cwd=Path(__file__).parents[2], stdout=subprocess.PIPE, text=True
    )
    url = process.stdout.readline().strip()
    with httpx.Client(base_url=url, trust_env=False, timeout=60) as client:
        assert client.get("/").status_code == 200
        process.terminate()
        assert process.wait(60) == 0
    assert process.stdout.read() == "closed\n"
    process.stdout.close()
