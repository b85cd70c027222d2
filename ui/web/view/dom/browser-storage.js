// What this browser keeps by itself: small values, and strokes until the server has them. Neither
// ever throws: without room nothing is kept.

/** @import { KeyValues, MaskDatabase, StoredMask } from "../../types/editor.d.ts" */

const DATABASE = "lamina";
const STROKES = "strokes";

/**
 * @template Value
 * @param {IDBRequest<Value>} request
 * @returns {Promise<Value>}
 */
const resultOf = (request) =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

const openDatabase = () => {
  const request = indexedDB.open(DATABASE, 1);
  request.onupgradeneeded = () => request.result.createObjectStore(STROKES);
  return resultOf(request);
};

class BrowserDatabase {
  /** @type {Promise<IDBDatabase> | null} */
  #database = null;

  /**
   * @param {string} key
   * @param {StoredMask} value
   */
  put(key, value) {
    return this.#attempt("readwrite", (strokes) => strokes.put(value, key));
  }

  /**
   * @param {string} key
   * @returns {Promise<StoredMask | null | undefined>}
   */
  get(key) {
    return this.#attempt("readonly", (strokes) => strokes.get(key));
  }

  /**
   * Drops everything whose key begins so.
   * @param {string} start
   */
  drop(start) {
    return this.#attempt("readwrite", (strokes) =>
      strokes.delete(IDBKeyRange.bound(start, `${start}\uffff`)),
    );
  }

  /**
   * @template Value
   * @param {IDBTransactionMode} mode
   * @param {(strokes: IDBObjectStore) => IDBRequest<Value>} work
   */
  async #attempt(mode, work) {
    try {
      this.#database ??= openDatabase();
      const database = await this.#database;
      return await resultOf(work(database.transaction(STROKES, mode).objectStore(STROKES)));
    } catch {
      this.#database = null;
      return null;
    }
  }
}

/**
 * Masks by name: promises that never reject.
 * @returns {MaskDatabase}
 */
export const createMaskDatabase = () => new BrowserDatabase();

/**
 * A storage that never throws: a full or forbidden one only means that nothing is kept.
 * @param {() => Storage} storageOf
 * @returns {KeyValues}
 */
export const createKeyValues = (storageOf) => {
  /** @param {() => unknown} work */
  const attempt = (work) => {
    try {
      return work();
    } catch {
      return null;
    }
  };
  return {
    get: (key) => attempt(() => JSON.parse(storageOf().getItem(key) ?? "null")),
    put: (key, value) => void attempt(() => storageOf().setItem(key, JSON.stringify(value))),
    drop: (key) => void attempt(() => storageOf().removeItem(key)),
  };
};
