"""How the page looks before and around the desk: system fonts, the desk's ground, nothing of
Gradio's own frame.
"""

from __future__ import annotations

import gradio as gr

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
