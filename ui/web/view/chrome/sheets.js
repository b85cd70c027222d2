// What all sheets over the page have in common.

/**
 * Tab stays within the sheet.
 * @param {HTMLElement} sheet
 */
export const keepFocus = (sheet) =>
  sheet.addEventListener("keydown", (event) => {
    if (event.key !== "Tab") return;
    const all = /** @type {HTMLElement[]} */ ([
      ...sheet.querySelectorAll("button, input, select, textarea"),
    ]);
    const [first, last] = [all[0], all[all.length - 1]];
    if (document.activeElement !== (event.shiftKey ? first : last)) return;
    event.preventDefault();
    (event.shiftKey ? last : first).focus();
  });
