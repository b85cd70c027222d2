"""Desk: the one component of the page. A constant template, and a script that mounts the modules of ``ui/web``."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio as gr

from ui.guard import MAX_JSON_BYTES
from ui.uploads import MAX_UPLOAD_BYTES

WEB_FOLDER = Path(__file__).resolve().parent / "web"

TEMPLATE = '<div class="lamina-root"></div>'

# Gradio compiles this text into a plain function of element, props, trigger, server and upload.
SCRIPT = """
const root = ((window.gradio_config && window.gradio_config.root) || "").replace(/\\/+$/, "");
const place = element.querySelector(".lamina-root");
const entry = root + "/gradio_api/file=" + encodeURI(__FOLDER__) + "/main.js";

const refusal = (code, what, limit, remedy) => ({ what, limit, remedy, code });

const lost = () => refusal("offline", "The server did not answer.", "",
  "Check that Lamina is still running, then try again; what is on the canvas is kept.");

const refused = (told) => Object.assign(new Error([told.what, told.limit, told.remedy].filter(Boolean).join(" ")),
  { refusal: told });

const host = {
  async ask(message) {
    if (JSON.stringify(message).length > __MAX_MESSAGE__) {
      return { error: refusal("request", "The scene is too large to send.",
        "A message holds at most " + Math.floor(__MAX_MESSAGE__ / 1048576) + " MB.", "Delete some layers.") };
    }
    try {
      return (await server.ask(message)) || { error: lost() };
    } catch {
      return { error: lost() };
    }
  },
  async upload(blob, name) {
    const called = name || "The file";
    if (blob.size > __MAX_UPLOAD__) {
      throw refused(refusal("picture", called + " has " + (blob.size / 1048576).toFixed(1) + " MB.",
        "A file may have at most " + Math.floor(__MAX_UPLOAD__ / 1048576) + " MB.", "Export it smaller."));
    }
    const mark = Array.from(crypto.getRandomValues(new Uint32Array(4)), (part) => part.toString(16)).join("");
    try {
      const sent = await upload(new File([blob], mark + ".bin", { type: "application/octet-stream" }));
      if (sent && sent.path) return sent.path;
    } catch {
      // Gradio's own words name the hidden file name; ours follow.
    }
    throw refused(refusal("offline", called + " could not be sent.", "",
      "Check that Lamina is still running and the disk has room, then try again."));
  },
  pictureUrl(digest) {
    return root + "/lamina/picture/" + digest + ".png";
  },
  url(path) {
    return root + "/" + path.replace(/^\\/+/, "");
  },
};

const failed = (reason) => {
  const box = document.createElement("p");
  box.className = "lamina-failed";
  box.setAttribute("role", "alert");
  box.textContent = "The desk could not be loaded: " + ((reason && reason.message) || reason)
    + ". Reload the page; if it stays so, restart Lamina.";
  place.replaceChildren(box);
  console.error(reason);
};

import(entry).then((module) => module.mount(place, host)).catch(failed);
"""


def build_script(folder: Path) -> str:
    """The mounting script for the modules in ``folder``, with the guard's limits written in."""
    parts = {"__FOLDER__": json.dumps(folder.as_posix()), "__MAX_MESSAGE__": str(MAX_JSON_BYTES // 2)}
    parts["__MAX_UPLOAD__"] = str(MAX_UPLOAD_BYTES)
    script = SCRIPT
    for name, value in parts.items():
        script = script.replace(name, value)
    return script


class Desk(gr.HTML):
    """The editor as a component; ``answer`` is reached by the page as the server function of its own name.

    No constructor parameter may share its name with a server function or stand quoted in the script: Gradio would
    put it into the page's configuration, or take it for an event.
    """

    def __init__(self, answer: Callable[[Any], Any], folder: Path) -> None:
        super().__init__(
            value="",
            html_template=TEMPLATE,
            css_template="",
            js_on_load=build_script(folder),
            apply_default_css=False,
            elem_id="desk",
            container=False,
            padding=False,
            server_functions=[answer],
        )
