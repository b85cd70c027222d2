// Gradio compiles this text into the body of a plain function of element, props, trigger, server and upload;
// ui/desk.py puts `const settings = {folder, maxMessage, maxUpload}` in front. It gives the modules of ui/web their host.

const root = ((window.gradio_config && window.gradio_config.root) || "").replace(/\/+$/, "");
const place = element.querySelector(".lamina-root");

const refusal = (code, what, limit, remedy) => ({ what, limit, remedy, code });
const megabytes = (bytes) => Math.floor(bytes / 1048576);

const silence = () =>
  refusal(
    "offline",
    "The server did not answer.",
    "",
    "Check that Lamina is still running, then try again; what is on the canvas is kept.",
  );

const refused = (told) =>
  Object.assign(new Error([told.what, told.limit, told.remedy].filter(Boolean).join(" ")), {
    refusal: told,
  });

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

  /** The path of the uploaded blob, to be named once in a message; rejects with an Error that carries .refusal. */
  async upload(blob, name) {
    const called = name || "The file";
    if (blob.size > settings.maxUpload) {
      throw refused(
        refusal(
          "picture",
          `${called} has ${(blob.size / 1048576).toFixed(1)} MB.`,
          `A file may have at most ${megabytes(settings.maxUpload)} MB.`,
          "Export it smaller.",
        ),
      );
    }
    // Equal content would get an equal path, and a path is read only once: each upload has a name of its own.
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
    throw refused(
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

const failed = (reason) => {
  const box = document.createElement("p");
  box.className = "lamina-failed";
  box.setAttribute("role", "alert");
  box.textContent =
    `The desk could not be loaded: ${(reason && reason.message) || reason}. ` +
    "Reload the page; if it stays so, restart Lamina.";
  place.replaceChildren(box);
  console.error(reason);
};

import(`${root}/gradio_api/file=${encodeURI(settings.folder)}/main.js`)
  .then((module) => module.mount(place, host))
  .catch(failed);
