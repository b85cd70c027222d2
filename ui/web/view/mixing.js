// Painting between two candidates: the picture that the mask makes of both, and the chip that says so on the stage.

import { button } from "./fields.js";
import { h, set, show } from "./dom.js";

/** The name of the mask's plate. */
export const MIX = "mix";

const LARGEST_SIDE = 2048;

const blank = () => document.createElement("canvas");

/** A context of a canvas of a size, cleared; with a box {x0, y0, x1, y1} only there, and drawn until `restore`. */
const opened = (canvas, { width, height, scale, box }) => {
  const isNew = canvas.width !== width || canvas.height !== height;
  if (isNew) Object.assign(canvas, { width, height });
  const context = canvas.getContext("2d");
  context.save();
  if (box && !isNew) {
    context.beginPath();
    context.rect(
      box.x0 * scale,
      box.y0 * scale,
      (box.x1 - box.x0) * scale,
      (box.y1 - box.y0) * scale,
    );
    context.clip();
  }
  context.clearRect(0, 0, width, height);
  context.imageSmoothingQuality = "high";
  return context;
};

/**
 * Answers mixer(scene, {base, other: candidates, mask: name}, box) → a canvas of the page, or null until all three are
 * here. With a box (scene pixels) nothing but the mask has changed, and only inside it.
 */
export const createMixer = (pictures, plates) => {
  const [whole, part] = [blank(), blank()];
  let known = [];
  return (scene, { base, other, mask }, box) => {
    const [old, fresh] = [pictures.get(base.digest), pictures.get(other.digest)];
    const where = pictures.mask(mask);
    if (!old || !fresh || !where) return null;
    const parts = [old, fresh, where, scene.width_px, scene.height_px];
    if (parts.every((each, index) => each === known[index])) return whole;
    const isSame = parts.every((each, index) => each === known[index] || each === where);
    known = parts;
    const scale = Math.min(1, LARGEST_SIDE / Math.max(scene.width_px, scene.height_px));
    const size = [Math.round(scene.width_px * scale), Math.round(scene.height_px * scale)];
    const frame = {
      width: size[0],
      height: size[1],
      scale,
      box: isSame && scale === 1 ? box : null,
    };
    const piece = opened(part, frame);
    piece.drawImage(fresh.image, 0, 0, ...size);
    piece.globalCompositeOperation = "destination-in";
    piece.drawImage(plates.get(MIX, where), 0, 0, ...size);
    piece.restore();
    const page = opened(whole, frame);
    page.drawImage(old.image, 0, 0, ...size);
    page.drawImage(part, 0, 0);
    page.restore();
    return whole;
  };
};

const named = ({ index }) => `candidate ${index + 1}`;

/** What is painted into what, and the two ways out. */
export const createMixChip = (desk) => {
  const [base, other] = [h("img", { alt: "" }), h("img", { alt: "" })];
  const text = h("span", { "data-test": "mix-text" });
  const shape = { kind: "chip-button" };
  const accept = {
    ...shape,
    label: "Keep",
    test: "mix-keep",
    title: "Keep it as a new candidate (Enter)",
    key: "⏎",
  };
  const discard = {
    ...shape,
    label: "Put away",
    test: "mix-leave",
    title: "Stop; undo brings it back (Shift X)",
  };
  const ways = [button(desk, "accept", accept), button(desk, "discard", discard)];
  const node = h(
    "div",
    { class: "chip-box mix-chip", hidden: true, role: "status" },
    other,
    text,
    base,
    ways,
  );
  const update = ({ mix, state }) => {
    show(node, mix !== null && state.showing === "result");
    if (!mix) return;
    set(base, { src: desk.pictures.url(mix.base.digest) });
    set(other, { src: desk.pictures.url(mix.other.digest) });
    set(text, { text: "into" });
    set(node, {
      title: `Paint ${named(mix.other)} into ${named(mix.base)}; the eraser takes it back`,
    });
    set(node, { "aria-label": `Painting ${named(mix.other)} into ${named(mix.base)}` });
  };
  return { node, update };
};
