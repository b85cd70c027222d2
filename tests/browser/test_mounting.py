"""What stands between Gradio's page and the desk: load errors in words, refusals of the host, doors
shut to others.
"""

from __future__ import annotations

from tests.browser.conftest import Watch
from tests.browser.editor_page import EditorPage


def test_a_desk_that_cannot_be_loaded_says_so(studio, context, watch: Watch, screens):
    watch.forgiven = ("main.js", "ERR_FAILED")
    context.route("**/main.js", lambda route: route.abort())
    page = context.new_page()
    page.goto(studio.url + "/")
    box = page.locator(".lamina-failed")
    box.wait_for()
    assert "could not be loaded" in box.inner_text()
    assert "Reload the page" in box.inner_text()
    EditorPage(page, studio.url, screens).look("not-loaded")


def test_a_file_beyond_the_limit_is_refused_before_it_is_sent(fresh: EditorPage):
    sent: list[str] = []
    fresh.page.on("request", lambda request: sent.append(request.url))
    fresh.page.evaluate("""() => {
      const held = new DataTransfer();
      held.items.add(new File([new Uint8Array(26 * 1048576)], "vast.png"));
      const canvas = document.querySelector('[data-test="canvas"]');
      for (const kind of ["dragenter", "dragover", "drop"]) {
        canvas.dispatchEvent(new DragEvent(kind, { bubbles: true, cancelable: true,
          dataTransfer: held }));
      }
    }""")
    fresh.wait_for_text("vast.png has 26.0 MB")
    assert "25 MB" in fresh.all_notices()
    assert not [url for url in sent if "upload" in url]


def test_gradio_is_nowhere_to_be_seen(editor: EditorPage):
    assert "gradio" not in editor.page.locator("body").inner_text().lower()
    assert editor.page.title() == "Lamina"
    sizes = editor.page.evaluate(
        "[document.documentElement.scrollHeight - innerHeight, document.body.scrollWidth - "
        "innerWidth]"
    )
    assert sizes == [0, 0]
    root = editor.page.locator(".lamina-root").bounding_box()
    assert root == {"x": 0, "y": 0, "width": 1440, "height": 900}


def test_the_page_works_under_its_other_name(studio, context, watch: Watch, screens):
    editor = EditorPage(
        context.new_page(), studio.url.replace("127.0.0.1", "localhost"), screens
    ).open()
    editor.wait_drawn()
    assert editor.pixels()[..., :3].astype(int).std() > 10
    editor.part("project-name").fill("By its other name")
    editor.wait_saved()


OTHER_SITE = """async (url) => {
  const attempt = async (path, options) => {
    try { return (await fetch(url + path, options)).status; } catch { return "refused"; }
  };
  const json = { "content-type": "application/json" };
  const form = new FormData();
  form.append("files", new Blob(["x"]), "x.txt");
  return [
    await attempt("/"),
    await attempt("/gradio_api/upload", { method: "POST", body: form }),
    await attempt("/gradio_api/upload", { method: "POST", body: form, mode: "no-cors" }),
    await attempt("/gradio_api/component_server/", { method: "POST", body: "{}", headers: json }),
  ];
}"""


def test_a_page_of_another_site_gets_nothing_and_leaves_nothing(studio, chromium):
    uploads = studio.store / "uploads"
    before = sorted(uploads.rglob("*"))
    context = chromium.new_context()
    page = context.new_page()
    page.route(
        "http://foreign.test/",
        lambda route: route.fulfill(body="<title>foreign</title>", content_type="text/html"),
    )
    page.goto("http://foreign.test/")
    statuses: list[int] = []
    page.on("response", lambda reply: statuses.append(reply.status))
    outcome = page.evaluate(OTHER_SITE, studio.url)
    assert outcome[0] == "refused"
    assert outcome[1] == "refused"
    assert outcome[3] == "refused"
    assert all(status in (403, 405) for status in statuses), statuses
    assert sorted(uploads.rglob("*")) == before
    context.close()
