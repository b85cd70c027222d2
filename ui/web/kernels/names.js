// Words from file names, and file names from words.

const NOISE_WORDS =
  /^(img|dsc|image|picture|photo|screenshot|untitled|cutout|copy|final|rgba|png|layer)$/i;

/**
 * "Red_Mushroom-02.final.png" → "red mushroom"; "" where nothing readable is left.
 * @param {string} name
 */
export const phraseFromFileName = (name) => {
  const stem = name.replace(/\.[a-z0-9]{1,5}$/i, "");
  const spaced = stem.replace(/(\p{Ll})(\p{Lu})/gu, "$1 $2").replace(/[^\p{L}]+/gu, " ");
  const words = spaced.split(" ").filter((word) => word.length > 1 && !NOISE_WORDS.test(word));
  return words.join(" ").toLowerCase().slice(0, 80);
};

/**
 * A name that every file system takes.
 * @param {string} name
 */
export const fileStem = (name) =>
  name
    .trim()
    .replace(/[^\p{L}\p{N}]+/gu, "-")
    .replace(/^-+|-+$/g, "")
    .toLowerCase() || "scene";

/**
 * Whether a file holds a whole scene, by its name.
 * @param {string} name
 */
export const isSceneFile = (name) => /\.(ora|psd|psb|kra)$/i.test(name);

/** What a chooser of files offers for opening. */
export const SCENE_FILES = ".ora,.psd,.psb,.kra";
