"""How the page looks before and around the desk: system fonts, the desk's ground, nothing of Gradio's own frame."""

from __future__ import annotations

import gradio as gr

FONT = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "Ubuntu", "Cantarell", "sans-serif")
MONOSPACE = ("ui-monospace", "Cascadia Mono", "Menlo", "Consolas", "monospace")

CSS = """
html, body { margin: 0; height: 100%; background: #0f1114; overflow: hidden; }
gradio-app, .gradio-container, .gradio-container > .main, .gradio-container .wrap, .gradio-container .column {
  margin: 0 !important; padding: 0 !important; max-width: none !important; background: #0f1114 !important;
  gap: 0 !important; border: 0 !important;
}
footer, .toast-wrap, .built-with, .show-api { display: none !important; }
.lamina-root { position: fixed; inset: 0; overflow: hidden; z-index: 1; background: #0f1114; color: #d7dae0;
  font-family: system-ui, -apple-system, "Segoe UI", Roboto, Ubuntu, Cantarell, sans-serif; }
.lamina-failed { max-width: 40rem; margin: 20vh auto; padding: 1.5rem; line-height: 1.5; border: 1px solid #b4534b;
  border-radius: 8px; background: #1b1e23; color: #f0f1f3; }
"""


def build_theme() -> gr.themes.Base:
    """A theme that asks no host for fonts."""
    return gr.themes.Base(font=list(FONT), font_mono=list(MONOSPACE))
