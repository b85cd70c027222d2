"""Opening the page: loopback alone, whatever the environment says, and refusals before anything
listens.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from backend.errors import RefusedError, StoreError
from backend.settings import check_host
from tests.ui.conftest import free_port
from tests.ui.scripted_studio import ScriptedStudio
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
