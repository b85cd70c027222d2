// What this browser keeps by itself: small values, and strokes until the server has them. Neither ever throws.

const [DATABASE, STROKES] = ["lamina", "strokes"];

const settled = (request) =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

const opened = () => {
  const request = indexedDB.open(DATABASE, 1);
  request.onupgradeneeded = () => request.result.createObjectStore(STROKES);
  return settled(request);
};

class MaskDatabase {
  #database = null;

  put(key, value) {
    return this.#attempt("readwrite", (strokes) => strokes.put(value, key));
  }

  get(key) {
    return this.#attempt("readonly", (strokes) => strokes.get(key));
  }

  /** Drops everything whose key begins so. */
  drop(start) {
    return this.#attempt("readwrite", (strokes) =>
      strokes.delete(IDBKeyRange.bound(start, `${start}\uffff`)),
    );
  }

  async #attempt(mode, work) {
    try {
      this.#database ??= opened();
      const database = await this.#database;
      return await settled(work(database.transaction(STROKES, mode).objectStore(STROKES)));
    } catch {
      this.#database = null;
      return null;
    }
  }
}

/** {put(key, value), get(key) → value | null, drop(start)}: promises that never reject. */
export const createMaskDatabase = () => new MaskDatabase();

/** A storage that never throws: a full or forbidden one only means that nothing is kept. */
export const createKeyValues = (storageOf) => {
  const attempt = (work) => {
    try {
      return work();
    } catch {
      return null;
    }
  };
  return {
    get: (key) => attempt(() => JSON.parse(storageOf().getItem(key))),
    put: (key, value) => attempt(() => storageOf().setItem(key, JSON.stringify(value))),
    drop: (key) => attempt(() => storageOf().removeItem(key)),
  };
};
