// Gradio compiles this text into the body of a plain function of element, props, trigger, server
// and upload; ui/editor.py puts `const settings = {folder, maxMessage, maxUpload}` in front, the
// folder as it stands in an address. It gives the modules of ui/web their host.

/**
 * @import { Host } from "./web/types/editor.d.ts"
 * @import { ErrorCode, ErrorRecord } from "./web/types/protocol.d.ts"
 */

const root = ((window.gradio_config && window.gradio_config.root) || "").replace(/\/+$/, "");
const place = /** @type {HTMLElement} */ (element.querySelector(".lamina-root"));

/** @type {(code: ErrorCode, what: string, limit: string, remedy: string) => ErrorRecord} */
const refusal = (code, what, limit, remedy) => ({ what, limit, remedy, code });
/** @param {number} bytes */
const megabytes = (bytes) => Math.floor(bytes / 1048576);

const silence = () =>
  refusal(
    "offline",
    "The server did not answer.",
    "",
    "Check that Lamina is still running, then try again; what is on the canvas is kept.",
  );

/** @param {ErrorRecord} error */
const refuse = (error) =>
  Object.assign(new Error([error.what, error.limit, error.remedy].filter(Boolean).join(" ")), {
    refusal: error,
  });

/** @type {Host} */
const host = {
  /** The reply to a message, or {error: {what, limit, remedy, code}}; never rejects. */
  async ask(message) {
    if (JSON.stringify(message).length > settings.maxMessage) {
      return {
        error: refusal(
          "request",
          "The scene is too large to send.",
          `A message holds at most ${megabytes(settings.maxMessage)} MB.`,
          "Delete some layers.",
        ),
      };
    }
    try {
      return (await server.ask(message)) || { error: silence() };
    } catch {
      return { error: silence() };
    }
  },

  /**
   * The path of the uploaded blob, to be named once in a message; rejects with an Error that
   * carries .refusal.
   */
  async upload(blob, name) {
    const called = name || "The file";
    if (blob.size > settings.maxUpload) {
      throw refuse(
        refusal(
          "picture",
          `${called} has ${(blob.size / 1048576).toFixed(1)} MB.`,
          `A file may have at most ${megabytes(settings.maxUpload)} MB.`,
          "Export it smaller.",
        ),
      );
    }
    // Equal content would get an equal path, and a path is read only once: each upload has a name
    // of its own.
    const mark = Array.from(crypto.getRandomValues(new Uint32Array(4)), (part) =>
      part.toString(16),
    ).join("");
    try {
      const sent = await upload(
        new File([blob], `${mark}.bin`, { type: "application/octet-stream" }),
      );
      if (sent && sent.path) return sent.path;
    } catch {
      // Gradio's own words speak of the hidden name; ours follow.
    }
    throw refuse(
      refusal(
        "offline",
        `${called} could not be sent.`,
        "",
        "Check that Lamina is still running and that its disk has room, then try again.",
      ),
    );
  },

  /** The address of stored pixels. */
  pictureUrl(digest) {
    return `${root}/lamina/picture/${digest}.png`;
  },

  /** An address of this server, from the relative one in a reply. */
  url(path) {
    return `${root}/${path.replace(/^\/+/, "")}`;
  },
};

/** @param {unknown} reason */
const showFailure = (reason) => {
  const box = document.createElement("p");
  box.className = "lamina-failed";
  box.setAttribute("role", "alert");
  const words = reason instanceof Error ? reason.message : String(reason);
  box.textContent =
    `The editor could not be loaded: ${words}. ` +
    "Reload the page; if it stays so, restart Lamina.";
  place.replaceChildren(box);
  console.error(reason);
};

import(`${root}/gradio_api/file=${settings.folder}/main.js`)
  .then((module) => module.mount(place, host))
  .catch(showFailure);
