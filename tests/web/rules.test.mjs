// The rules of the folder, executed: syntax, sizes, who imports whom, who may touch the page, and names that must meet.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import test from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";

import { commandFor, COMMANDS } from "../../ui/web/commands.js";

const WEB = resolve(dirname(fileURLToPath(import.meta.url)), "../../ui/web");

const filesUnder = (folder) =>
  readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? filesUnder(path) : [path];
  });

const MODULES = filesUnder(WEB)
  .filter((path) => path.endsWith(".js"))
  .map((path) => ({ path, name: relative(WEB, path), text: readFileSync(path, "utf8") }));

const partOf = (name) => (name.includes("/") ? name.split("/")[0] : name.replace(/\.js$/, ""));

/** Without comments: those may import types, which nothing loads. */
const codeOf = (text) => text.replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, "");

const importsOf = ({ path, text }) =>
  [...codeOf(text).matchAll(/(?:from|import)\s*\(?\s*"([^"]+)"/g)].map(([, target]) => ({
    target,
    name: relative(WEB, resolve(dirname(path), target)),
  }));

/** Which parts a part may import. */
const ALLOWED = {
  kernels: [],
  model: ["model", "kernels"],
  tools: ["tools", "model", "kernels"],
  bridge: ["bridge", "model", "kernels"],
  commands: ["commands", "model", "kernels"],
  view: ["view", "commands", "tools", "model", "kernels"],
  main: ["bridge", "commands", "view", "tools", "model", "kernels"],
};

/** Which folders of the views a folder may import, besides itself. */
const VIEW_FOLDERS = {
  dom: [],
  canvas: ["dom"],
  subjects: ["dom"],
  chrome: ["dom"],
  gallery: ["dom", "chrome"],
  home: ["dom", "chrome"],
  layers: ["dom", "subjects"],
  models: ["dom"],
  recipe: ["dom", "subjects"],
  strip: ["dom", "canvas"],
};

test("folders of the views import only what they may", () => {
  const views = MODULES.filter(({ name }) => name.startsWith("view/"));
  assert.deepEqual(
    views.filter(({ name }) => name.split("/").length !== 3),
    [],
  );
  for (const module of views) {
    const [, own] = module.name.split("/");
    const targets = importsOf(module).filter(({ name }) => name.startsWith("view/"));
    for (const { name } of targets) {
      const [, folder] = name.split("/");
      const isAllowed = folder === own || VIEW_FOLDERS[own].includes(folder);
      assert.ok(isAllowed, `${module.name} may not import ${name}`);
    }
  }
});

test("every module parses, and importing it needs no page and does nothing", async () => {
  const before = Object.keys(globalThis).length;
  for (const { path } of MODULES) await import(pathToFileURL(path).href);
  assert.equal(Object.keys(globalThis).length, before);
});

test("parts import only what they may, by relative paths that exist, and never in a circle", () => {
  const names = new Set(MODULES.map(({ name }) => name));
  const graph = new Map();
  for (const module of MODULES) {
    const imports = importsOf(module);
    graph.set(
      module.name,
      imports.map(({ name }) => name),
    );
    for (const { target, name } of imports) {
      assert.ok(
        target.startsWith("."),
        `${module.name} imports ${target}, which is not a file of the page`,
      );
      assert.ok(names.has(name), `${module.name} imports ${target}, which does not exist`);
      assert.ok(
        ALLOWED[partOf(module.name)].includes(partOf(name)),
        `${module.name} may not import ${name}`,
      );
    }
  }
  const visit = (name, trail) => {
    assert.ok(!trail.includes(name), `a circle: ${[...trail, name].join(" → ")}`);
    graph.get(name).forEach((next) => visit(next, [...trail, name]));
  };
  visit("main.js", []);
});

test("only view and main touch the page; nothing reaches for other hosts or asks with alerts", () => {
  for (const { name, text } of MODULES) {
    const code = codeOf(text);
    if (!["view", "main"].includes(partOf(name))) {
      assert.doesNotMatch(
        code,
        /\b(document|window|localStorage|navigator|requestAnimationFrame|setTimeout|fetch)\b\s*[.([]/,
        name,
      );
    }
    assert.doesNotMatch(code, /\b(alert|confirm|prompt|eval)\(/, name);
    assert.doesNotMatch(code, /https?:\/\/(?!www\.w3\.org\/2000\/svg)/, name);
    assert.doesNotMatch(code, /\.innerHTML|\.outerHTML|insertAdjacentHTML|console\./, name);
  }
});

test("importing a module does nothing: no module keeps a variable of its own", () => {
  for (const { name, text } of MODULES) assert.doesNotMatch(text, /^(let|var) /m, name);
});

test("every exported name is used by another module or a test", () => {
  const here = dirname(fileURLToPath(import.meta.url));
  const tests = readdirSync(here)
    .filter((name) => name.endsWith(".mjs"))
    .map((name) => join(here, name))
    .map((path) => readFileSync(path, "utf8"))
    .join("\n");
  for (const { name, text } of MODULES) {
    const others = MODULES.filter((other) => other.name !== name)
      .map((other) => other.text)
      .join("\n");
    for (const [, exported] of text.matchAll(
      /^export (?:const|class|function|async function) (\w+)/gm,
    )) {
      if (name === "main.js") continue;
      assert.match(
        others + tests,
        new RegExp(`\\b${exported}\\b`),
        `${name} exports ${exported}, which nobody uses`,
      );
    }
  }
});

test("commands that views run exist, their keys are told apart, and typing is never taken for one", () => {
  for (const { name, text } of MODULES.filter(({ name: each }) => each.startsWith("view/"))) {
    for (const [, id] of text.matchAll(/(?:app\.run\(|button\(app, |command: )"(\w+)"/g))
      assert.ok(COMMANDS[id], `${name} runs ${id}`);
  }
  const chords = Object.values(COMMANDS).flatMap(({ keys }) => keys);
  assert.equal(new Set(chords).size, chords.length);
  for (const chord of ["R", "Enter", "Delete", "[", "Left", "?"])
    assert.equal(commandFor(chord, "text"), null);
  assert.equal(commandFor("Ctrl+Enter", "text").id, "generate");
  assert.equal(commandFor("Left", "list"), null);
  assert.equal(commandFor("Left", "canvas").id, "left");
  assert.equal(commandFor("Enter", "button"), null);
  assert.equal(commandFor("Ctrl+Q", "canvas"), null);
});

test("every icon that is drawn exists, every colour that is named is defined, in both themes", () => {
  const icons = readFileSync(join(WEB, "view/dom/icons.js"), "utf8");
  const drawn = MODULES.flatMap(({ text }) =>
    [...text.matchAll(/(?:\bicon\(|iconName: |icon: |\bon: |\boff: )"(\w+)"/g)].map(
      ([, name]) => name,
    ),
  );
  for (const name of new Set(drawn)) assert.match(icons, new RegExp(`^  ${name}: \\[`, "m"), name);
  const theme = readFileSync(join(WEB, "styles/colours.css"), "utf8");
  const dark = /\.lamina \{([\s\S]*?)\n\}/.exec(theme)[1];
  const light = /\.lamina\[data-theme="light"\] \{([\s\S]*?)\n\}/.exec(theme)[1];
  const colours = [...dark.matchAll(/--([\w-]+): #/g)].map(([, name]) => name);
  for (const name of colours)
    assert.match(light, new RegExp(`--${name}: `), `${name} has no light colour`);
});

/** WCAG contrast of two #rrggbb colours. */
const contrast = (one, other) => {
  const luminance = (colour) => {
    const [red, green, blue] = [1, 3, 5]
      .map((at) => parseInt(colour.slice(at, at + 2), 16) / 255)
      .map((part) => (part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const [low, high] = [luminance(one), luminance(other)].toSorted((a, b) => a - b);
  return (high + 0.05) / (low + 0.05);
};

test("text has a contrast of 4.5 on every ground, layer colours one of 3 on the panel, in both themes", () => {
  const theme = readFileSync(join(WEB, "styles/colours.css"), "utf8");
  const blocks = [
    /\.lamina \{([\s\S]*?)\n\}/,
    /\.lamina\[data-theme="light"\] \{([\s\S]*?)\n\}/,
  ].map((pattern) => pattern.exec(theme)[1]);
  for (const block of blocks) {
    const colour = (name) => new RegExp(`--${name}: (#[0-9a-f]{6})`).exec(block)[1];
    for (const ground of ["panel", "raised", "sunk", "hover", "stage"]) {
      for (const text of ["text", "muted"])
        assert.ok(
          contrast(colour(text), colour(ground)) >= 4.5,
          `${text} on ${ground}: ${contrast(colour(text), colour(ground)).toFixed(2)}`,
        );
    }
    for (const text of ["good", "warn", "bad"])
      assert.ok(contrast(colour(text), colour("panel")) >= 4.5, text);
    assert.ok(contrast(colour("accent-text"), colour("accent")) >= 4.5);
    for (let index = 0; index < 8; index += 1)
      assert.ok(contrast(colour(`tint-${index}`), colour("panel")) >= 3, `tint-${index}`);
  }
});
