"""Opens the page on a loopback address: Gradio's own launch behind our guard, every other door of
Gradio shut.
"""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import threading
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backend.errors import LaminaError, RefusedError, StoreError
from backend.settings import check_host, display_host
from ui.guard import AllowList, Guard
from ui.pictures import PictureRoutes
from ui.starting import start_directly
from ui.uploads import MAX_UPLOAD_BYTES, prepare_upload_folder

if TYPE_CHECKING:
    import gradio as gr

    from backend.studio.studio import Studio

log = logging.getLogger(__name__)

PORT = 7860

# Gradio reads these when it is imported or launched; each would open a door or call another host.
GRADIO_ENVIRONMENT = {
    "GRADIO_ANALYTICS_ENABLED": "False",
    "GRADIO_SHARE": "False",
    "GRADIO_MCP_SERVER": "False",
    "GRADIO_SSR_MODE": "False",
    "GRADIO_NUM_WORKERS": "0",
    "GRADIO_RUN_HISTORY": "False",
    "HF_HUB_DISABLE_TELEMETRY": "1",
}
DROPPED_ENVIRONMENT = (
    "GRADIO_SERVER_NAME",
    "GRADIO_SERVER_PORT",
    "GRADIO_NODE_SERVER_PORT",
    "GRADIO_ALLOWED_PATHS",
    "GRADIO_ROOT_PATH",
    "GRADIO_LOCAL_DEV_MODE",
    "GRADIO_VIBE_MODE",
    "GRADIO_DEBUG",
)


@dataclass(frozen=True)
class Served:
    """A page that is open. ``url`` ends without a slash."""

    url: str
    page: gr.Blocks

    def wait(self) -> None:
        """Block until the server is interrupted (Ctrl-C), and close it then."""
        try:
            threading.Event().wait()
        finally:
            self.close()

    def close(self) -> None:
        """Stop the server without waiting for pages that keep their connections open."""
        self.page.server.force_exit = True
        self.page.close(verbose=False)


def serve(studio: Studio, host: str, port: int, upload_folder: Path) -> Served:
    """Open the page of ``studio`` and return at once; ``Served.wait`` blocks. Port 0 takes a free
    one.

    RefusedError for an address beyond this machine, StoreError for a port that is taken or does not
    open, or a folder that cannot be written. Changes Gradio's part of the process environment.
    """
    check_host(host)
    port = reserve_port(host, port)
    uploads = prepare_upload_folder(upload_folder)
    _close_gradio_routes(upload_folder)

    # Only now, because Gradio reads the environment while it is imported.
    from ui.editor import build_page

    page = build_page(studio, uploads)
    try:
        with start_directly():
            _launch(page, studio, host, port, upload_folder)
    except LaminaError:
        raise
    except Exception as error:  # Gradio's start raises whatever its libraries meet on a machine
        log.exception("the page could not be opened")
        raise StoreError(
            f"The page could not be opened on port {port} ({type(error).__name__}: "
            f"{str(error)[:120]}).",
            limit="Lamina has to reach its own address on this machine.",
            remedy="Try another --port; the log beside the projects holds the whole story.",
        ) from error
    return Served(url=f"http://{display_host(host)}:{port}", page=page)


def reserve_port(host: str, port: int) -> int:
    """The port itself, or a free one for 0. StoreError unless it can be bound now."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host.strip("[]"), port))
            return int(probe.getsockname()[1])
    except (OSError, OverflowError):
        raise StoreError(
            f"Port {port} cannot be opened.",
            limit="Another program, perhaps another Lamina, holds it.",
            remedy="Close that one, or choose another with --port.",
        ) from None


def _close_gradio_routes(upload_folder: Path) -> None:
    os.environ.update(GRADIO_ENVIRONMENT)
    os.environ["GRADIO_TEMP_DIR"] = str(upload_folder.resolve())
    for name in DROPPED_ENVIRONMENT:
        os.environ.pop(name, None)


def _launch(page: gr.Blocks, studio: Studio, host: str, port: int, uploads: Path) -> None:
    from ui.editor import CSS, EDITOR_ID, ICON_FILE, WEB_FOLDER, build_theme

    editor = next(number for number, block in page.blocks.items() if block.elem_id == EDITOR_ID)
    allowed = AllowList(port, editor, WEB_FOLDER, uploads)
    page.launch(
        server_name=display_host(host),
        server_port=port,
        prevent_thread_lock=True,
        app_kwargs={
            "lifespan": _guard_lifespan(studio, allowed),
            "openapi_url": None,
            "docs_url": None,
            "redoc_url": None,
        },
        share=False,
        inbrowser=False,
        inline=False,
        show_error=False,
        quiet=True,
        footer_links=[],
        run_history=False,
        allowed_paths=[str(WEB_FOLDER)],
        # Or Gradio asks for its own page, waits three seconds, and closes a server that is slower.
        _frontend=False,
        root_path="",
        state_session_capacity=200,
        max_file_size=MAX_UPLOAD_BYTES,
        enable_monitoring=False,
        strict_cors=True,
        ssr_mode=False,
        pwa=False,
        mcp_server=False,
        num_workers=0,
        favicon_path=ICON_FILE,
        theme=build_theme(),
        css=CSS,
    )
    if not isinstance(page.app.middleware_stack, Guard):
        page.close(verbose=False)
        raise RefusedError(
            "The guard is not in place.", remedy="Install the Gradio version of requirements.txt."
        )


def _guard_lifespan(studio: Studio, allowed: AllowList) -> Callable[[Any], Any]:
    """A lifespan that puts the guard outside everything, before the socket opens.

    Middleware handed to ``launch`` would stand inside Gradio's CORS layer, which answers preflights
    by itself.
    """

    @contextlib.asynccontextmanager
    async def lifespan(app: Any) -> AsyncIterator[None]:
        app.middleware_stack = Guard(PictureRoutes(app.middleware_stack, studio), allowed)
        yield

    return lifespan
