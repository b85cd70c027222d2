// What the page asks of the server, in its own words: open, save, take pictures, run, stop, export.

/**
 * @import { BridgeParts, FollowedJob, ResultEvent } from "./types/bridge.d.ts"
 * @import { EditorState, PaintedField, SelectWhere, Size } from "./types/editor.d.ts"
 * @import { Decomposed } from "./types/model.d.ts"
 * @import { AnyRequest, Candidate, DecomposeRequest, Digest, ExportRequest, Facts, Identifier, ProjectReply, SubmittedJob } from "./types/protocol.d.ts"
 */

import { createFeed } from "./bridge/feed.js";
import { createGalleryVerbs } from "./bridge/gallery.js";
import { createHomeVerbs } from "./bridge/home.js";
import { createLink, Refusal, Silence } from "./bridge/link.js";
import { createLibrary } from "./bridge/library.js";
import { withKnownNames, createMaskSaver } from "./bridge/masks.js";
import { createModels } from "./bridge/models.js";
import { createPictureFileVerbs } from "./bridge/picture-files.js";
import { createQueueVerbs } from "./bridge/queue.js";
import { createSnapshotVerbs } from "./bridge/snapshots.js";
import { createSaver, unsavedKey } from "./bridge/saver.js";
import { createStepSaver } from "./bridge/steps.js";
import { createWatcher, buildJob } from "./bridge/watcher.js";
import { joinEmbeddings, nameOfLearning, withEmbeddings } from "./model/embeddings.js";
import { withDecomposedLayers } from "./model/decompose.js";
import { upgradeUnsaved } from "./model/upgrade.js";
import { editorFromProject, editorToMessage, freeze, layerOf } from "./model/records.js";
import { addNotice } from "./model/session.js";

const TAB_KEY = "lamina.project";
const UNKNOWN = "store";

/**
 * The run that the strip opens with: the picked picture's, else the newest.
 * @param {readonly Candidate[]} candidates
 * @param {Digest | ""} picked
 */
const batchOf = (candidates, picked) =>
  (candidates.findLast(({ digest }) => digest === picked) ?? candidates.at(-1))?.job ?? "";

/**
 * @param {ProjectReply} reply
 * @param {Readonly<Facts> | null} known
 */
const factsOf = (reply, known) => {
  const { models, refused, model_folders, loras } = reply;
  if (!models) return known;
  const { samplers, exporters, methods, examples, limits, version } = reply;
  const found = { models, refused, model_folders, loras };
  return freeze(
    /** @type {Facts} */ ({ ...found, samplers, exporters, methods, examples, limits, version }),
  );
};

class Bridge {
  #parts;
  #link;
  #maskSaver;
  #steps;
  #saver;
  #watcher;
  /** @type {Decomposed | null} */
  #decomposed = null;

  /** @param {BridgeParts} parts */
  constructor(parts) {
    this.#parts = parts;
    this.#link = createLink(parts);
    this.#maskSaver = createMaskSaver({ ...parts, link: this.#link });
    this.#steps = createStepSaver({ ...parts, link: this.#link });
    const saving = { maskSaver: this.#maskSaver, steps: this.#steps };
    this.#saver = createSaver({ ...parts, link: this.#link, ...saving });
    const feed = createFeed(parts);
    this.#watcher = createWatcher({
      ...parts,
      feed,
      link: this.#link,
      result: (event) => this.#takeResult(event),
    });
    this.home = createHomeVerbs({ ...parts, link: this.#link });
    this.gallery = createGalleryVerbs({ ...parts, link: this.#link });
    this.queue = createQueueVerbs({ ...parts, link: this.#link });
    this.snapshots = createSnapshotVerbs({ ...parts, link: this.#link });
    this.library = createLibrary({ ...parts, feed, link: this.#link });
    this.models = createModels({ ...parts, link: this.#link });
    this.pictureFiles = createPictureFileVerbs({ link: this.#link });
    this.#link.whenBack(() => parts.session.state.project === "" && this.hello());
  }

  /** @param {() => unknown} listener */
  whenBack(listener) {
    this.#link.whenBack(listener);
  }

  /**
   * Opens the scene that the address names, else the one that this tab had, else the latest one; it
   * is opened later if the server is silent now. A scene that cannot be opened is refused once
   * another one is there.
   * @param {Identifier | ""} [scene]
   */
  async hello(scene = "") {
    const wanted = scene || this.#parts.tab.get(TAB_KEY);
    try {
      await this.#greet(wanted, scene !== "");
    } catch (error) {
      if (!(error instanceof Silence)) throw error;
    }
  }

  /**
   * @param {Identifier | "" | null} wanted
   * @param {boolean} isNamed
   */
  async #greet(wanted, isNamed) {
    if (!wanted) return this.#enter(await this.#link.ask({ verb: "hello" }), "Opened");
    try {
      return await this.#enter(await this.#link.ask({ verb: "hello", project: wanted }), "Opened");
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      await this.#enter(await this.#link.ask({ verb: "hello" }), "Opened");
      if (isNamed || error.code !== UNKNOWN) throw error;
    }
  }

  /**
   * Opens another scene of the store; the present one is saved first.
   * @param {Identifier} project
   */
  async openProject(project) {
    if (project === this.#parts.session.state.project) return;
    await this.#leave();
    await this.#enter(await this.#link.ask({ verb: "hello", project }), "Opened");
  }

  /** The candidates of the open scene as the server has them now. */
  async readCandidates() {
    const { session } = this.#parts;
    const { project } = session.state;
    if (!project) return;
    const reply = await this.#link.ask({ verb: "hello", project });
    if (session.state.project === project) session.set({ candidates: reply.candidates ?? [] });
  }

  /** The open scene is gone: none is open until another one is chosen. */
  leaveDeleted() {
    const { session, tab } = this.#parts;
    this.#saver.stop();
    tab.drop(TAB_KEY);
    session.set({ project: "", revision: 0, job: null, conflict: null });
  }

  /** @param {Identifier} id */
  async openExample(id) {
    await this.#leave();
    await this.#enter(
      await this.#link.ask({ verb: "open_ora", example: id }),
      "Opened the example",
    );
  }

  /**
   * A new project of a size with nothing in it.
   * @param {Size} size
   */
  async newScene(size) {
    await this.#leave();
    await this.#enter(await this.#link.ask({ verb: "new_scene", ...size }), "New scene");
  }

  /** @param {File} file */
  async openOra(file) {
    await this.#leave();
    const path = await this.#link.upload(file, file.name);
    await this.#enter(
      await this.#link.ask({ verb: "open_ora", path, name: file.name }),
      `Opened ${file.name}`,
    );
  }

  /**
   * {digest, width_px, height_px, opaque, notes} of an uploaded picture file.
   * @param {File} file
   */
  async takePicture(file) {
    const path = await this.#link.upload(file, file.name);
    return this.#link.ask({ verb: "take_picture", path, name: file.name });
  }

  flush() {
    return this.#saver.flush();
  }

  overwrite() {
    return this.#saver.overwrite();
  }

  /** This page's version becomes a scene of its own; the server's stays as it is. */
  async keepBoth() {
    const { store, session, storage } = this.#parts;
    const { project } = session.state;
    const [mine] = await this.#maskSaver.settle([store.record]);
    const { name, width_px, height_px } = mine.scene;
    await this.#enter(
      await this.#link.ask({ verb: "new_scene", width_px, height_px }),
      "New scene",
    );
    const scene = { ...mine.scene, name: `${name.slice(0, 180)}, my version` };
    store.change("Keep both versions", () => freeze({ ...mine, mix: null, scene }));
    if (!(await this.#saver.flush())) return;
    storage.drop(unsavedKey(project));
    this.#maskSaver.forget(project);
  }

  /** Throws this page's version away for the server's. */
  async loadTheirs() {
    const { session, storage } = this.#parts;
    const { project } = session.state;
    const reply = await this.#link.ask({ verb: "hello", project });
    storage.drop(unsavedKey(project));
    await this.#enter(reply, "Loaded the newer version");
  }

  /**
   * Saves, hands the request in, and follows the job to its end.
   * @param {AnyRequest} request
   */
  generate(request) {
    const { kind, settings } = request;
    const layer_id = request.kind === "reroll" ? request.layer_id : "";
    const layer_ids = request.kind === "learn" ? request.layer_ids : [];
    const varied = request.kind === "compose" ? request.varied : undefined;
    const { session } = this.#parts;
    const asked = kind === "compose" || kind === "reroll" ? settings.steps : 0;
    const ask = async () => {
      const reply = await this.#link.ask({
        verb: "generate",
        ...(await this.#saveScene()),
        request,
      });
      if (varied) session.set({ varied: freeze({ ...session.state.varied, [reply.job]: varied }) });
      return reply;
    };
    return this.#follow({ id: "", state: "queued", kind, layer_id, layer_ids, asked }, ask);
  }

  /**
   * Retouches a layout {id, layer_id} by the recipe that it has, and follows the job to its end.
   * @param {Pick<Candidate, "id" | "layer_id">} candidate
   */
  retouch({ id, layer_id }) {
    const { project } = this.#parts.session.state;
    /** @type {FollowedJob} */
    const job = { id: "", state: "queued", kind: "compose", layer_id, layer_ids: [], asked: 0 };
    return this.#follow(job, () => this.#link.ask({ verb: "retouch", project, candidate: id }));
  }

  /**
   * @param {FollowedJob} job
   * @param {() => Promise<SubmittedJob>} ask
   */
  async #follow(job, ask) {
    const { session } = this.#parts;
    session.set({ job: buildJob(job) });
    try {
      const reply = await ask();
      session.set({ notes: reply.notes ?? session.state.notes });
      return await this.#watcher.follow({ ...job, id: reply.job });
    } catch (error) {
      session.set({ job: null });
      throw error;
    }
  }

  /**
   * {digest, width_px, height_px}: the mask of an object in a stored picture; where: {point} or
   * {box} in the scene.
   * @param {Digest} picture
   * @param {SelectWhere} where
   */
  select(picture, where) {
    return this.#link.ask({
      verb: "select",
      project: this.#parts.session.state.project,
      picture,
      ...where,
    });
  }

  /**
   * The candidate that comes from painting between two, by the mask of the saved record; the strip
   * then has it.
   */
  async mix() {
    const { session, store } = this.#parts;
    const { project } = await this.#saveScene();
    const { mix } = withKnownNames(store.record, this.#parts.masks);
    if (!mix) throw new RangeError("Nothing is painted between two pictures.");
    const { base, other, mask } = mix;
    const candidate = freeze(await this.#link.ask({ verb: "mix", project, base, other, mask }));
    session.set({ candidates: [...session.state.candidates, candidate] });
    return candidate;
  }

  /**
   * What each painted layer shows of a stored picture: [{layer_id, digest, width_px, height_px,
   * centre_x_px, …}].
   * @param {Digest} picture
   */
  async splitByMasks(picture) {
    const reply = await this.#link.ask({
      verb: "split_by_masks",
      ...(await this.#saveScene()),
      picture,
    });
    return freeze(reply.layers);
  }

  /**
   * Chosen dials of one layer, or of all for "": [{layer_id, strength, attention_positive, …,
   * reasons}].
   * @param {Identifier | ""} layerId
   */
  async autotune(layerId) {
    const layer = layerId ? { layer: layerId } : {};
    const reply = await this.#link.ask({
      verb: "autotune",
      ...(await this.#saveScene()),
      ...layer,
    });
    return freeze(reply.layers);
  }

  /** {project, revision} once the server has the scene as it stands. */
  async #saveScene() {
    if (!(await this.#saver.flush()))
      throw new Refusal({
        what: "The scene could not be saved first.",
        remedy: "See above, then try again.",
      });
    const { project, revision } = this.#parts.session.state;
    return { project, revision };
  }

  cancel() {
    return this.#watcher.cancel();
  }

  /**
   * Stops a job, whoever asked for it.
   * @param {Identifier} job
   */
  async cancelJob(job) {
    if (job === this.#parts.session.state.job?.id) await this.cancel();
    else await this.#link.ask({ verb: "cancel", job });
  }

  /**
   * What is done, as one step, with what a job made instead of pictures.
   * @param {ResultEvent} event
   */
  #takeResult(event) {
    const { store, session, newId } = this.#parts;
    if (event.kind === "embeddings_learned") {
      const { embeddings } = event;
      session.set({ embeddings: freeze(joinEmbeddings(session.state.embeddings, embeddings)) });
      store.change(nameOfLearning(store.record, embeddings), withEmbeddings(embeddings));
      return;
    }
    this.#decomposed = event;
    store.change("Decompose into layers", withDecomposedLayers(event, newId));
  }

  /**
   * Takes a picture apart; {missing: ids of layers that were not found}, or {} when the run did not
   * end well.
   * @param {DecomposeRequest} request
   */
  async decompose(request) {
    const end = await this.generate(request);
    return end === "finished" && this.#decomposed ? { missing: this.#decomposed.missing } : {};
  }

  async exportOra() {
    await this.#saver.flush();
    return this.#link.ask({ verb: "export_ora", project: this.#parts.session.state.project });
  }

  /**
   * {url, name} of a file of the saved scene, or of pictures of it.
   * @param {ExportRequest} request
   */
  async exportFile(request) {
    const { project } = await this.#saveScene();
    return this.#link.ask({ verb: "export", project, request });
  }

  async #leave() {
    if (!(await this.#saver.flush())) {
      throw new Refusal({
        what: "This scene has changes that are not saved yet.",
        remedy: "Wait until it says saved, then open the other one.",
      });
    }
  }

  /**
   * @param {ProjectReply} reply
   * @param {string} name
   */
  async #enter(reply, name) {
    const { store, session, tab } = this.#parts;
    const editor = editorFromProject(reply);
    tab.put(TAB_KEY, reply.project);
    session.set({
      project: reply.project,
      revision: reply.revision,
      facts: factsOf(reply, session.state.facts),
      candidates: reply.candidates ?? [],
      stage1Images: reply.stage1_images ?? [],
      coverage: reply.coverage ?? [],
      notes: reply.notes ?? [],
      job: null,
      conflict: null,
      dismissed: [],
      tuned: freeze({}),
      embeddings: freeze(reply.embeddings ?? []),
      snapshots: [],
      viewed: "",
      batch: batchOf(reply.candidates ?? [], editor.picked),
      showing: editor.picked ? "result" : "collage",
      fitted: true,
      hovered: "",
    });
    store.reset(editor, name, reply.place);
    this.#saver.start(reply);
    await this.#recover(editor, reply);
    this.#readSteps(reply);
    if (reply.job && ["queued", "running"].includes(reply.job.state))
      this.#watcher.follow(reply.job);
  }

  /**
   * The steps that the server kept come after the scene; without them undo begins here.
   * @param {ProjectReply} reply
   */
  async #readSteps(reply) {
    try {
      await this.#steps.read(reply);
    } catch (error) {
      if (!(error instanceof Silence || error instanceof Refusal)) throw error;
      addNotice(this.#parts.session, {
        what: "The earlier steps of this scene could not be read.",
      });
    }
  }

  /**
   * Edits that this browser kept because the server never confirmed them.
   * @param {EditorState} editor
   * @param {ProjectReply} reply
   */
  async #recover(editor, reply) {
    const { store, session, storage } = this.#parts;
    const unsaved = upgradeUnsaved(storage.get(unsavedKey(reply.project)));
    if (!unsaved) return;
    /**
     * @param {Identifier} id
     * @param {PaintedField} field
     */
    const fallback = (id, field) => layerOf(editor, id)?.[field] ?? null;
    const record = freeze(
      await this.#maskSaver.recover(reply.project, editorFromProject(unsaved), fallback),
    );
    if (JSON.stringify(editorToMessage(record)) === JSON.stringify(editorToMessage(editor)))
      return storage.drop(unsavedKey(reply.project));
    const apply = () => store.change("Recovered edits", () => record);
    const isOwn = unsaved.page !== undefined && unsaved.page === reply.saved_by;
    if (unsaved.revision === reply.revision || isOwn) {
      apply();
      addNotice(session, {
        tone: "good",
        what: "Edits that had not reached the server were brought back.",
        remedy: "Undo takes them away.",
      });
      return;
    }
    addNotice(session, {
      what: "This browser holds older edits of this scene that were never saved.",
      action: { title: "Bring them back", run: apply },
    });
  }
}

/**
 * parts: {host, store, session, masks, database, clock, storage, tab, hidden, listen}; see the files in bridge/.
 * @param {BridgeParts} parts
 */
export const createBridge = (parts) => new Bridge(parts);
