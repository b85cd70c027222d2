// What Stylelint asks of the page's styles.

export default { extends: "stylelint-config-standard" };
