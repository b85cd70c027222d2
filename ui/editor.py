"""The Gradio side of the page: one component, a constant template and a script that mounts the
modules of ``ui/web``; the theme around it, with nothing of Gradio's own frame;
the blocks that hold both.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import gradio as gr

from ui.bridge import Bridge
from ui.guard import MAX_JSON_BYTES
from ui.uploads import MAX_UPLOAD_BYTES, UploadFolder

if TYPE_CHECKING:
    from backend.studio.studio import Studio


HERE = Path(__file__).resolve().parent
WEB_FOLDER = HERE / "web"
EDITOR_ID = "editor"
ICON_FILE = HERE / "favicon.svg"
SCRIPT_FILE = HERE / "mount.js"

# Constant on purpose: a template that never changes is never touched again, so the editor is
# mounted exactly once.
TEMPLATE = '<div class="lamina-root"></div>'

# Half of the door's limit: beside the message stand Gradio's own fields, and a character may take
# several bytes.
MAX_MESSAGE_CHARACTERS = MAX_JSON_BYTES // 2


def build_editor(answer: Callable[[Any], Any], folder: Path) -> gr.HTML:
    """The desk, whose modules lie in ``folder``; the page reaches ``answer`` as a server function
    of its own name.

    Not a subclass of ``gr.HTML``: defining one makes Gradio write a ``.pyi`` file beside this one
    at import, and reads constructor parameters as configuration. No user text ever passes through
    the template.
    """
    return gr.HTML(
        value="",
        html_template=TEMPLATE,
        css_template="",
        js_on_load=build_script(folder),
        apply_default_css=False,
        elem_id=EDITOR_ID,
        server_functions=[answer],
    )


def build_script(folder: Path) -> str:
    """The mounting script, with the folder of the modules and the limits of the doors in front.

    A folder may have any name: what stands in it for the end of an address (#, ?) or for a
    character (%) is escaped.
    """
    settings = {
        "folder": quote(folder.as_posix(), safe="/"),
        "maxMessage": MAX_MESSAGE_CHARACTERS,
        "maxUpload": MAX_UPLOAD_BYTES,
    }
    return f"const settings = {json.dumps(settings)};\n{SCRIPT_FILE.read_text(encoding='utf-8')}"


FONT = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "Ubuntu", "Cantarell", "sans-serif")
MONOSPACE = ("ui-monospace", "Cascadia Mono", "Menlo", "Consolas", "monospace")

CSS = """
:root { --lamina-ground: #0f1114; --lamina-ink: #f0f1f3; --lamina-card: #1b1e23; }
@media (prefers-color-scheme: light) {
  :root { --lamina-ground: #e4e7ec; --lamina-ink: #1b1e23; --lamina-card: #ffffff; }
}
html, body { margin: 0; height: 100%; background: var(--lamina-ground); overflow: hidden; }
gradio-app, .gradio-container, .gradio-container > .main, .gradio-container .wrap,
.gradio-container .column {
  margin: 0 !important; padding: 0 !important; max-width: none !important; gap: 0 !important;
  border: 0 !important;
  background: var(--lamina-ground) !important;
}
footer, .toast-wrap, .built-with, .show-api { display: none !important; }
.lamina-root { position: fixed; inset: 0; overflow: hidden; z-index: 1; }
.lamina-failed { max-width: 40rem; margin: 20vh auto; padding: 1.5rem; line-height: 1.5;
border: 1px solid #b4534b;
  border-radius: 8px; background: var(--lamina-card); color: var(--lamina-ink); }
"""


def build_theme() -> gr.themes.Base:
    """A theme that asks no host for fonts."""
    return gr.themes.Base(font=list(FONT), font_mono=list(MONOSPACE))


# Looked through every hour, for uploads of more than an hour ago that no message ever named.
UPLOADS_SWEPT_S = (3600, 3600)


def build_page(studio: Studio, uploads: UploadFolder) -> gr.Blocks:
    """The blocks for one studio; the page reaches it through the single server function ``ask``."""
    bridge = Bridge(studio, uploads)

    def ask(message: Any) -> Any:
        return bridge.ask(message)

    gr.set_static_paths([WEB_FOLDER])
    page: gr.Blocks = gr.Blocks(
        title="Lamina",
        analytics_enabled=False,
        fill_width=True,
        fill_height=True,
        delete_cache=UPLOADS_SWEPT_S,
    )
    with page:
        build_editor(ask, WEB_FOLDER)
    return page
