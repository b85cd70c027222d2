// What Stylelint asks of the page's styles.

export default {
  extends: "stylelint-config-standard",
  // The page reads the tints of layers from the styles, as #rrggbb.
  rules: { "color-hex-length": "long" },
};
