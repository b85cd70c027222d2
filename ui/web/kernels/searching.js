// Finding a title by a few letters of its words.

/** @param {string} text */
const plain = (text) => text.toLowerCase().normalize("NFKD").replace(/\p{M}/gu, "");

/**
 * How well a text answers a query, larger is better, 0 not at all: every word of the query must
 * stand in it, and the beginnings of words count more.
 * @param {string} text
 * @param {string} query
 */
export const matchOf = (text, query) => {
  const [within, asked] = [plain(text), plain(query).split(/\s+/).filter(Boolean)];
  let score = 1;
  for (const word of asked) {
    const at = within.indexOf(word);
    if (at < 0) return 0;
    if (at === 0) score += 3;
    else score += /[\p{L}\p{N}]/u.test(within[at - 1]) ? 1 : 2;
  }
  return score;
};

/**
 * The items that answer a query, the best first, else in their order.
 * @template Item
 * @param {readonly Item[]} items
 * @param {string} query
 * @param {(item: Item) => string} textOf
 */
export const search = (items, query, textOf) =>
  items
    .map((item, index) => ({ item, index, score: matchOf(textOf(item), query) }))
    .filter(({ score }) => score > 0)
    .sort((one, other) => other.score - one.score || one.index - other.index)
    .map(({ item }) => item);
