// A grey picture as the bytes of a PNG, value for value, without a canvas in between.

const SIGNATURE = [137, 80, 78, 71, 13, 10, 26, 10];

/**
 * The rows of a grey picture, each behind a 0 (no filter), as a PNG wants them before they are
 * deflated.
 * @param {Uint8Array} bytes
 * @param {number} width
 * @param {number} height
 */
export const scanlines = (bytes, width, height) => {
  const rows = new Uint8Array((width + 1) * height);
  for (let y = 0; y < height; y += 1)
    rows.set(bytes.subarray(y * width, (y + 1) * width), y * (width + 1) + 1);
  return rows;
};

/** @param {Uint8Array} bytes */
const crcOf = (bytes) => {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  }
  return (crc ^ 0xffffffff) >>> 0;
};

/**
 * @param {string} kind
 * @param {Uint8Array} content
 */
const chunk = (kind, content) => {
  const body = new Uint8Array(4 + content.length);
  body.set([...kind].map((letter) => letter.charCodeAt(0)));
  body.set(content, 4);
  const whole = new Uint8Array(body.length + 8);
  const view = new DataView(whole.buffer);
  view.setUint32(0, content.length);
  whole.set(body, 4);
  view.setUint32(whole.length - 4, crcOf(body));
  return whole;
};

/**
 * The parts of an 8-bit grey PNG whose deflated scanlines are given.
 * @param {Uint8Array} deflated
 * @param {number} width
 * @param {number} height
 */
export const greyPng = (deflated, width, height) => {
  const header = new Uint8Array(13);
  const view = new DataView(header.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  header.set([8, 0, 0, 0, 0], 8);
  return [
    Uint8Array.from(SIGNATURE),
    chunk("IHDR", header),
    chunk("IDAT", deflated),
    chunk("IEND", new Uint8Array(0)),
  ];
};
