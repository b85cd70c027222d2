"""The page: Gradio blocks that hold the desk and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import gradio as gr

from ui.bridge import Bridge
from ui.desk import WEB_FOLDER, build_desk
from ui.uploads import UploadFolder

if TYPE_CHECKING:
    from backend.studio.studio import Studio


def build_page(studio: Studio, uploads: UploadFolder) -> gr.Blocks:
    """The blocks for one studio; the page reaches it through the single server function ``ask``."""
    bridge = Bridge(studio, uploads)

    def ask(message: Any) -> Any:
        return bridge.ask(message)

    gr.set_static_paths([WEB_FOLDER])
    page: gr.Blocks = gr.Blocks(title="Lamina", analytics_enabled=False, fill_width=True, fill_height=True)
    with page:
        build_desk(ask, WEB_FOLDER)
    return page
