"""Desk: the one component of the page. A constant template, and a script that mounts the modules of
``ui/web``.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio as gr

from ui.guard import MAX_JSON_BYTES
from ui.uploads import MAX_UPLOAD_BYTES

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
    """The mounting script, with the folder of the modules and the limits of the doors in front."""
    settings = {
        "folder": folder.as_posix(),
        "maxMessage": MAX_MESSAGE_CHARACTERS,
        "maxUpload": MAX_UPLOAD_BYTES,
    }
    return f"const settings = {json.dumps(settings)};\n{SCRIPT_FILE.read_text(encoding='utf-8')}"
