// What ESLint asks of the page's scripts and of their tests.

import js from "@eslint/js";
import globals from "globals";

const RULES = {
  complexity: ["error", 10],
  eqeqeq: "error",
  "max-params": ["error", 6],
  "no-implicit-globals": "error",
  "no-throw-literal": "error",
  "no-var": "error",
  "object-shorthand": "error",
  "prefer-const": "error",
};

export default [
  { ignores: ["**/node_modules/"] },
  js.configs.recommended,
  { linterOptions: { reportUnusedDisableDirectives: "error" }, rules: RULES },
  { files: ["ui/web/**/*.js"], languageOptions: { globals: globals.browser } },
  { files: ["ui/web/view/canvas/exact-worker.js"], languageOptions: { globals: globals.worker } },
  {
    // The body of a function: Gradio gives it these names, ui/editor.py the settings.
    files: ["ui/mount.js"],
    languageOptions: {
      globals: {
        ...globals.browser,
        element: "readonly",
        server: "readonly",
        settings: "readonly",
        upload: "readonly",
      },
    },
  },
  { files: ["tests/web/**/*.{js,mjs}"], languageOptions: { globals: globals.node } },
];
