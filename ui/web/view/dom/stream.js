// One stream of pushed events for all tabs of this browser: it allows six connections to a server,
// so the tab that holds the lock reads the stream and repeats what it says to the others.

/** @import { StreamListener, StreamMessage } from "../../types/bridge.d.ts" */

const NAME = "lamina.queue";
const KINDS = /** @type {const} */ (["queue", "preview", "beat"]);
const AGAIN_MS = 5_000;

/**
 * Reads the stream of an address as long as this tab lives.
 * @param {string} address
 * @param {(message: StreamMessage) => void} take
 */
const read = (address, take) => {
  const source = new EventSource(address);
  for (const kind of KINDS)
    source.addEventListener(kind, ({ data }) => take({ kind, text: String(data) }));
  source.addEventListener("error", () => {
    take({ kind: "lost", text: "" });
    if (source.readyState !== EventSource.CLOSED) return; // else it comes back by itself
    setTimeout(() => read(address, take), AGAIN_MS);
  });
};

/**
 * What the stream of an address says, in every tab of this browser.
 * @param {string} address
 * @param {StreamListener} take
 */
export const listen = (address, take) => {
  const name = `${NAME} ${address}`;
  const channel = new BroadcastChannel(name);
  /** @type {Map<string, StreamMessage>} */
  const newest = new Map();
  let isReader = false;
  channel.onmessage = ({ data }) => {
    if (data !== "ask") take(data);
    else if (isReader) for (const message of newest.values()) channel.postMessage(message);
  };
  channel.postMessage("ask");
  const begin = () => {
    isReader = true;
    read(address, (message) => {
      if (message.kind === "lost") newest.clear();
      else newest.set(message.kind, message);
      channel.postMessage(message);
      take(message);
    });
    return new Promise(() => {}); // the lock is held until the tab is closed
  };
  if (navigator.locks) navigator.locks.request(name, begin);
  else begin();
};
