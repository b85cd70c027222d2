"""The doors of a running page: hosts, origins, every route there is, sizes, and the headers of
every answer.
"""

from __future__ import annotations

import json
import re
import socket

import pytest
from starlette.datastructures import Headers

from tests.studio.faulty_disk import FullDisk
from ui.editor import WEB_FOLDER
from ui.guard import HEADERS, MAX_JSON_BYTES, OPEN, UPLOAD_PATH, AllowList, lacks_room
from ui.uploads import MAX_UPLOAD_BYTES

SAMPLES = {
    "path": "x",
    "path_or_url": "etc/passwd",
    "url_path": "http://127.0.0.1/",
    "api_name": "ask",
    "id": "1",
}

# Routes of Gradio that the page lives on. A route that is not here has to be shut.
NEEDED = {
    ("GET", "/"),
    ("GET", "/assets/{path:path}"),
    ("GET", "/static/{path:path}"),
    ("GET", "/theme.css"),
    ("GET", "/favicon.ico"),
    ("GET", "/robots.txt"),
    ("GET", "/gradio_api/startup-events"),
    ("POST", "/gradio_api/component_server/"),
    ("POST", "/gradio_api/upload"),
}


def live_routes(routes, prefix=""):
    """(method, path template) of every route that is mounted, however deep."""
    for route in routes:
        path = getattr(route, "path", None) or getattr(
            getattr(route, "include_context", None), "prefix", ""
        )
        for method in getattr(route, "methods", None) or ():
            yield method, prefix + path
        inner = getattr(route, "routes", None) or getattr(
            getattr(route, "original_router", None), "routes", None
        )
        if inner:
            yield from live_routes(inner, prefix + path)


def fill(template):
    return re.sub(r"\{(\w+)(?::\w+)?\}", lambda match: SAMPLES.get(match.group(1), "1"), template)


def sentence_of(response):
    error = response.json()["error"]
    assert error["what"]
    assert error["remedy"]
    return error


def all_routes(live):
    found = sorted(set(live_routes(live.served.page.app.routes)))
    assert len(found) > 60, found
    return found


def test_every_live_route_is_needed_or_shut(live):
    open_ones = set()
    for method, template in all_routes(live):
        response = live.client.request(method, fill(template))
        if response.status_code in (404, 405) and "error" in response.text[:20]:
            continue
        if method == "HEAD" and response.status_code in (404, 405):
            continue
        open_ones.add(("GET" if method == "HEAD" else method, template))
    assert open_ones <= NEEDED, open_ones - NEEDED


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"host": "evil.example"}, 421),
        ({"host": "127.0.0.1:"}, 421),
        ({"host": "127.0.0.1:0"}, 421),
        ({"host": "127.0.0.1:65536"}, 421),
        ({"host": "127.0.0.1:8080:80"}, 421),
        ({"host": "127.0.0.1@evil.example:8080"}, 421),
        ({"host": "127.0.0.2:{port}"}, 421),
        ({"host": "localhost:8080", "origin": "http://localhost:{port}"}, 403),
        ({"host": "127.0.0.1.evil.example:{port}"}, 421),
        ({"host": "0.0.0.0:{port}"}, 421),
        ({"host": ""}, 421),
        ({"origin": "https://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": "http://localhost:1"}, 403),
        ({"origin": "https://127.0.0.1:{port}"}, 403),
        ({"origin": "http://localhost:{port}"}, 403),
        (
            {
                "sec-fetch-site": "cross-site",
                "sec-fetch-mode": "no-cors",
                "sec-fetch-dest": "image",
            },
            403,
        ),
        (
            {
                "sec-fetch-site": "same-site",
                "sec-fetch-mode": "navigate",
                "sec-fetch-dest": "iframe",
            },
            403,
        ),
    ],
)
def test_strangers_are_refused_at_every_route_by_every_method(live, headers, status):
    port = live.served.url.rsplit(":", 1)[1]
    sent = {name: value.format(port=port) for name, value in headers.items()}
    routes = all_routes(live)
    methods = {method for method, _ in routes} | {"OPTIONS", "PUT", "DELETE", "PATCH"}
    some = [(method, template) for method, template in routes[::9]] + [
        (method, "/") for method in methods
    ]
    for method, template in some:
        response = live.client.request(method, fill(template), headers=sent)
        assert response.status_code == status, (method, template)
        assert "access-control-allow-origin" not in response.headers


def test_a_preflight_opens_nothing(live):
    for origin in ("https://evil.example", live.served.url):
        response = live.client.options(
            "/gradio_api/upload",
            headers={"origin": origin, "access-control-request-method": "POST"},
        )
        assert response.status_code in (403, 405)
        assert not [name for name in response.headers if name.startswith("access-control")]


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "[::1]"])
def test_the_page_is_reached_by_its_loopback_names(live, name):
    port = live.served.url.rsplit(":", 1)[1]
    headers = {"host": f"{name}:{port}", "origin": f"http://{name}:{port}"}
    assert live.client.get("/", headers=headers).status_code == 200


@pytest.mark.parametrize("host", ["127.0.0.1:8080", "localhost:1", "[::1]:65535", "localhost"])
def test_a_tunnel_from_another_port_reaches_the_page(live, host):
    headers = {"host": host, "origin": f"http://{host}", "sec-fetch-site": "same-origin"}
    page = live.client.get("/", headers=headers)
    assert page.status_code == 200
    assert f"http://{host}" in page.text
    asked = live.client.post("/gradio_api/component_server/", json=good_call(live), headers=headers)
    assert asked.status_code == 200
    other = live.client.get("/", headers={**headers, "origin": live.served.url})
    assert other.status_code == 403


def test_a_link_from_elsewhere_may_lead_here(live):
    headers = {
        "sec-fetch-site": "cross-site",
        "sec-fetch-mode": "navigate",
        "sec-fetch-dest": "document",
    }
    assert live.client.get("/", headers=headers).status_code == 200


def test_every_answer_carries_the_headers(live):
    for path in ("/", "/theme.css", "/nowhere", "/lamina/picture/x.png", "/gradio_api/info"):
        response = live.client.get(path)
        for name, value in HEADERS.items():
            assert response.headers[name] == value, (path, name)
        assert response.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "path",
    [
        "/gradio_api/file=/etc/passwd",
        "/gradio_api/file=http://127.0.0.1:1/x",
        "/gradio_api/file=https://example.com/x.png",
        "/gradio_api/file=" + str(WEB_FOLDER),
        "/gradio_api/file=" + str(WEB_FOLDER.parent / "serve.py"),
        "/gradio_api/file=" + str(WEB_FOLDER) + "/../serve.py",
        "/gradio_api/file=" + str(WEB_FOLDER) + "/%2e%2e/serve.py",
        "/gradio_api/file=" + str(WEB_FOLDER) + "/none.js",
        "/gradio_api/file=" + str(WEB_FOLDER) + "/a%00b",
        "/gradio_api/file/etc/passwd",
        "/gradio_api/proxy=http://127.0.0.1:1/",
        "/file=/etc/passwd",
        "/assets/../../../../etc/passwd",
        "/static/%2e%2e/%2e%2e/%2e%2e/setup.cfg",
        "//etc/passwd",
        "/config",
        "/docs",
        "/openapi.json",
        "/monitoring/summary",
    ],
)
def test_no_file_and_no_address_is_fetched_for_a_page(live, path):
    with socket.create_connection(
        ("127.0.0.1", int(live.served.url.rsplit(":", 1)[1])), timeout=10
    ) as raw:
        host = live.served.url.removeprefix("http://")
        raw.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        reply = b"".join(iter(lambda: raw.recv(65536), b""))
    assert reply.split(b" ")[1] in (b"404", b"403", b"405"), reply[:300]
    assert b"root:" not in reply


def test_an_uploaded_file_is_never_given_back(live):
    sent = live.client.post(
        "/gradio_api/upload", files={"files": ("a.html", b"<script>alert(1)</script>")}
    )
    path = sent.json()[0]
    assert path.startswith(str(live.uploads.resolve()))
    assert live.client.get("/gradio_api/file=" + path).status_code == 404


def test_the_modules_of_the_page_are_served_and_checked_again_each_time(live):
    module = next(WEB_FOLDER.rglob("*.js"))
    response = live.client.get(f"/gradio_api/file={module}")
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/javascript")
    assert response.headers["cache-control"] == "no-cache"
    assert response.headers["etag"]


def test_gradios_own_scripts_are_kept_and_refusals_never(live):
    script = re.search(r"assets/[\w.-]+\.js", live.client.get("/").text)
    assert script is not None
    assert "immutable" in live.client.get("/" + script.group()).headers["cache-control"]
    assert live.client.get("/assets/none.js").headers["cache-control"] == "no-store"
    assert (
        live.client.get("/lamina/picture/" + "0" * 64 + ".png").headers["cache-control"]
        == "no-store"
    )


def test_the_icon_is_ours(live):
    icon = live.client.get("/favicon.ico")
    assert icon.headers["content-type"].startswith("image/svg+xml")
    assert b"gradio" not in icon.content.lower()


def good_call(live, **changes):
    editor = next(
        number for number, block in live.served.page.blocks.items() if hasattr(block, "ask")
    )
    record = {
        "data": {"verb": "hello"},
        "component_id": editor,
        "fn_name": "ask",
        "session_hash": "abc123",
    }
    return {**record, **changes}


def test_the_server_function_answers_and_only_that_one(live):
    good = live.client.post("/gradio_api/component_server/", json=good_call(live))
    assert good.json()["scene"]["prompt"]
    for changes in (
        {"fn_name": "preprocess"},
        {"fn_name": None},
        {"session_hash": "../x"},
        {"component_id": "1"},
        {"component_id": 987654},
    ):
        assert (
            live.client.post(
                "/gradio_api/component_server/", json=good_call(live, **changes)
            ).status_code
            == 400
        )


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"nonsense",
        b"[]",
        b"\xff\xfe",
        b'{"data": NaN, "component_id": 1, "fn_name": "ask", "session_hash": "a"}',
        b'{"data": -Infinity, "component_id": 1, "fn_name": "ask", "session_hash": "a"}',
        b'{"data": 1, "data": 2, "component_id": 1, "fn_name": "ask", "session_hash": "a"}',
        b"[" * 200_000,
        b'{"component_id": 1, "fn_name": "ask", "session_hash": "a"}',
        b'{"data": 1, "component_id": true, "fn_name": "ask", "session_hash": "a"}',
    ],
)
def test_a_body_that_is_not_strict_json_is_refused(live, body):
    response = live.client.post(
        "/gradio_api/component_server/", content=body, headers={"content-type": "application/json"}
    )
    assert response.status_code == 400
    assert "strict JSON" in sentence_of(response)["limit"]


def test_a_form_in_place_of_json_is_refused(live):
    response = live.client.post("/gradio_api/component_server/", files={"data": ("a", b"b")})
    assert response.status_code == 400


def test_a_large_message_is_refused_by_its_length(live):
    body = json.dumps(good_call(live, data="x" * MAX_JSON_BYTES)).encode()
    response = live.client.post("/gradio_api/component_server/", content=body)
    assert response.status_code == 413
    assert "2 MB" in sentence_of(response)["limit"]


def test_a_large_message_is_refused_though_it_hides_its_length(live):
    def parts():
        for _ in range(64):
            yield b" " * 65536

    response = live.client.post("/gradio_api/component_server/", content=parts())
    assert response.status_code == 413


def test_a_large_upload_is_refused_by_its_length_and_none_without(live):
    before = set(live.uploads.rglob("*"))
    big = live.client.post(
        "/gradio_api/upload", files={"files": ("a.png", b"\0" * (MAX_UPLOAD_BYTES + 200_000))}
    )
    assert big.status_code == 413
    assert "25 MB" in sentence_of(big)["limit"]
    assert live.client.post("/gradio_api/upload", content=iter([b"a", b"b"])).status_code == 411
    assert set(live.uploads.rglob("*")) == before


def test_an_upload_just_over_the_limit_is_refused_by_gradio(live):
    response = live.client.post(
        "/gradio_api/upload", files={"files": ("a.png", b"\0" * (MAX_UPLOAD_BYTES + 1))}
    )
    assert response.status_code == 413


def test_uploads_that_make_no_sense_are_no_crash(live):
    for content, kind in (
        (b"", "multipart/form-data"),
        (b"x", "text/plain"),
        (b"x", "multipart/form-data; boundary=q"),
    ):
        response = live.client.post(
            "/gradio_api/upload", content=content, headers={"content-type": kind}
        )
        assert 400 <= response.status_code < 500, (kind, response.status_code, response.text)
    odd = b'--q\r\nContent-Disposition: form-data; name="files"; filename=""\r\n\r\nx\r\n--q--\r\n'
    response = live.client.post(
        "/gradio_api/upload",
        content=odd,
        headers={"content-type": "multipart/form-data; boundary=q"},
    )
    assert response.status_code < 500


@pytest.mark.parametrize("origin", ["http://{host}", "https://evil.example"])
def test_no_websocket_is_opened(live, origin):
    host = live.served.url.removeprefix("http://")
    request = (
        f"GET /gradio_api/queue/join HTTP/1.1\r\nHost: {host}\r\nUpgrade: "
        "websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
        f"Origin: {origin.format(host=host)}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", int(host.rsplit(":", 1)[1])), timeout=10) as raw:
        raw.settimeout(5)
        raw.sendall(request.encode())
        status = raw.recv(4096).split(b"\r\n")[0]
    assert b"101" not in status
    assert any(code in status for code in (b"403", b"404", b"405")), status


def test_the_table_of_doors_has_no_pattern_that_opens_everything():
    for _, pattern in OPEN:
        for path in (
            "/gradio_api/run/ask",
            "/gradio_api/call/ask",
            "/gradio_api/queue/join",
            "/monitoring",
            "/config",
        ):
            assert not pattern.fullmatch(path)


def test_refusals_fit_the_house_rule(live):
    for path in ("/nowhere", "/gradio_api/info"):
        error = sentence_of(live.client.get(path))
        assert all(len(error[part]) <= 200 for part in ("what", "limit", "remedy"))


@pytest.mark.parametrize("free", [0, 256 * 2**20 + 99])
def test_an_upload_for_which_there_is_no_room_is_refused_before_it_comes(tmp_path, free):
    allowed = AllowList(1, 1, tmp_path, tmp_path, FullDisk(free))
    status, error = lacks_room(UPLOAD_PATH, Headers({"content-length": "100"}), allowed)
    assert (status, "MB free" in error.what, error.remedy != "") == (507, True, True)
    gone = AllowList(1, 1, tmp_path, tmp_path / "gone")
    assert lacks_room(UPLOAD_PATH, Headers({"content-length": "1"}), gone)[0] == 507
    room = AllowList(1, 1, tmp_path, tmp_path, FullDisk(2**30))
    assert lacks_room(UPLOAD_PATH, Headers({"content-length": "100"}), room) is None
    assert lacks_room("/", Headers({}), allowed) is None
