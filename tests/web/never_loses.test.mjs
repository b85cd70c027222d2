// It never loses a stroke: 2,000 people at random draw, reorder, type, undo, stop in the middle, lose the server and
// reload; undo, redo, the masks, and what the server keeps agree. A failure prints its seed.

import assert from "node:assert/strict";
import test from "node:test";

import { TILE_PX, bytesOf, maskFromBytes } from "../../ui/web/kernels/tiles.js";
import { withKnownNames } from "../../ui/web/bridge/masks.js";
import { groupsOf } from "../../ui/web/model/groups.js";
import { isOwnName } from "../../ui/web/model/masks.js";
import { editorToMessage } from "../../ui/web/model/records.js";
import { contentOf, createRandomUser } from "./random_user.mjs";

const USERS = Number(process.env.LAMINA_USERS ?? 2000);
const FIRST = Number(process.env.LAMINA_SEED ?? 1);
const GESTURES = 20;

const isDeepFrozen = (value) =>
  value === null ||
  typeof value !== "object" ||
  (Object.isFrozen(value) && Object.values(value).every(isDeepFrozen));

/** Checked once each, as tiles are never written again. */
const known = new WeakSet();

/** A mask's tiles are as many as its size asks for, and one that is plain is null or the one full tile. */
const assertTiles = (mask, { width_px, height_px }) => {
  if (known.has(mask)) return;
  known.add(mask);
  assert.deepEqual([mask.width_px, mask.height_px], [width_px, height_px]);
  assert.equal(mask.tiles.length, Math.ceil(width_px / TILE_PX) * Math.ceil(height_px / TILE_PX));
  assert.ok(Object.isFrozen(mask) && Object.isFrozen(mask.tiles));
  const again = maskFromBytes(bytesOf(mask), width_px, height_px, mask);
  assert.deepEqual(bytesOf(again), bytesOf(mask));
};

const assertSound = ({ store, masks }, first) => {
  const { record } = store;
  assert.deepEqual(
    Object.keys(record).toSorted(),
    Object.keys(first).toSorted(),
    "the session is in the record",
  );
  assert.ok(isDeepFrozen(record));
  const ids = record.scene.layers.map(({ id }) => id);
  assert.equal(new Set(ids).size, ids.length);
  assert.ok(
    record.selected === "" || ids.includes(record.selected),
    `${record.selected} is selected and gone`,
  );
  for (const { members } of groupsOf(record.scene))
    assert.ok(ids.join(" ").includes(members.join(" ")), "a group is torn");
  for (const { name, record: each } of store.history.entries) {
    assert.match(name, /\w/, "a step without a name");
    for (const { id, picture, mask } of each.scene.layers) {
      assert.ok(picture || mask, `${id} has nothing`);
      if (mask && isOwnName(mask)) assert.ok(masks.get(mask), `${mask} of ${id} is lost`);
      if (mask && masks.get(mask)) assertTiles(masks.get(mask), each.scene);
    }
  }
};

/** At rest every step is what it was when it was made: the same content for the same record, for ever. */
const remembering = (maskOf) => {
  const seen = new WeakMap();
  return (record) => {
    const content = contentOf(record, maskOf);
    assert.doesNotMatch(content, /is lost/);
    assert.equal(seen.get(record) ?? content, content, "a step changed after it was made");
    seen.set(record, content);
    return content;
  };
};

/** All the way back and forth again; each step once more as it was. */
const walkBackAndForth = ({ store }, remember) => {
  while (store.redoName) store.redo();
  const last = store.record;
  const records = [last];
  while (store.undoName) {
    store.undo();
    remember(store.record);
    records.push(store.record);
  }
  for (const record of records.toReversed().slice(1)) {
    store.redo();
    assert.equal(store.record, record);
    remember(record);
  }
  assert.equal(store.record, last);
};

/** The server comes back, and has what the page shows: the same words and numbers, the same masks value for value. */
const assertSaved = async ({ server, page, browser }) => {
  server.offline = false;
  for (let round = 0; round < 4; round += 1)
    if (!(await page.bridge.flush()) || page.session.state.link === "down")
      await page.clock.advance(6000);
  const { store, masks, session, pictures } = page;
  assert.deepEqual(
    session.state.notices.filter(({ tone }) => tone === "problem"),
    [],
  );
  assert.equal(session.state.link, "up");
  const reported = editorToMessage(withKnownNames(store.record, masks));
  assert.deepEqual(server.kept.scene, JSON.parse(JSON.stringify(reported.scene)));
  assert.deepEqual(server.kept.editor.settings, reported.editor.settings);
  assert.equal(server.kept.editor.picked, reported.editor.picked);
  store.record.scene.layers.forEach((each, index) => {
    if (each.mask)
      assert.deepEqual(
        server.masks.get(reported.scene.layers[index].mask),
        bytesOf(pictures.mask(each.mask)),
      );
  });
  assert.equal(browser.storage.kept.size, 0, "a draft was left");
  assert.equal(browser.database.kept.size, 0, "strokes were left in the browser");
};

/** After a reload undo and redo lead where they led before, under the same names. */
const assertStepsOutliveReload = async (user) => {
  const listSteps = ({ store, pictures }) =>
    store.history.entries.map(({ n, name, record }) => [n, name, contentOf(record, pictures.mask)]);
  const [before, place] = [listSteps(user.page), user.page.store.history.place];
  await user.reload();
  await user.page.clock.settle();
  const [after, { store }] = [listSteps(user.page), user.page];
  const at = before.length > 1 ? place : 0;
  assert.deepEqual(
    after.slice(after.length - before.length).map(([, , content]) => content),
    before.map(([, , content]) => content),
    "a step was lost with the page",
  );
  if (before.length > 1)
    assert.deepEqual(
      after.slice(after.length - before.length).map(([n, name]) => [n, name]),
      before.map(([n, name]) => [n, name]),
    );
  assert.equal(store.history.place - (after.length - before.length), at);
  walkBackAndForth(user.page, remembering(user.page.pictures.mask));
};

const live = async (user) => {
  const first = user.page.store.record;
  const begin = contentOf(first, user.page.pictures.mask);
  let remember = remembering(user.page.pictures.mask);
  let isReloaded = false;
  for (let at = 0; at < GESTURES; at += 1) {
    await user.act();
    assertSound(user.page, first);
    if (!user.page.store.busy) remember(user.page.store.record);
    if (user.random() > 0.02) continue;
    user.rest();
    const before = contentOf(user.page.store.record, user.page.pictures.mask);
    user.server.offline = false;
    user.does.push("reload");
    await user.reload();
    remember = remembering(user.page.pictures.mask);
    isReloaded = true;
    assert.equal(remember(user.page.store.record), before, "a reload lost something");
  }
  user.rest();
  remember(user.page.store.record);
  walkBackAndForth(user.page, remember);
  const here = user.page.store.history.place;
  user.page.store.goTo(0);
  if (!isReloaded) assert.equal(remember(user.page.store.record), begin);
  user.page.store.goTo(here);
  await assertSaved(user);
  await assertStepsOutliveReload(user);
};

test(`${USERS} random sequences of gestures: undo, redo, masks and the server's scene agree after each`, async () => {
  for (let seed = FIRST; seed < FIRST + USERS; seed += 1) {
    const user = await createRandomUser(seed);
    try {
      await live(user);
    } catch (error) {
      const again = `LAMINA_SEED=${seed} LAMINA_PEOPLE=1 node --test tests/web/never_loses.test.mjs`;
      throw new Error(`seed ${seed} (${again}): ${user.does.join(" ")}\n${error.stack}`, {
        cause: error,
      });
    }
  }
});
