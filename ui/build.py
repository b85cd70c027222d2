"""The page: Gradio blocks that hold the desk and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import gradio as gr

from ui.bridge import Bridge
from ui.editor import WEB_FOLDER, build_editor
from ui.uploads import UploadFolder

if TYPE_CHECKING:
    from backend.studio.studio import Studio


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
