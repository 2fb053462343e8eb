/** Messages on the page's socket: a JSON object and any number of binary parts in one binary frame.
 *
 * A count of parts, their lengths (both little-endian, 32 bits), then the parts; the first is the JSON in UTF-8.
 */

export interface Note {
  kind: 'open' | 'message' | 'close' | 'ready' | 'failed';
  id?: string;
  data?: any;
}

export function packed(note: Note, buffers: ArrayBuffer[]): ArrayBuffer {
  const parts = [new TextEncoder().encode(JSON.stringify(note)), ...buffers.map((buffer) => new Uint8Array(buffer))];
  const head = 4 * (1 + parts.length);
  const bytes = new Uint8Array(head + parts.reduce((sum, part) => sum + part.byteLength, 0));
  const view = new DataView(bytes.buffer);
  view.setUint32(0, parts.length, true);
  let at = head;
  parts.forEach((part, i) => {
    view.setUint32(4 * (1 + i), part.byteLength, true);
    bytes.set(part, at);
    at += part.byteLength;
  });
  return bytes.buffer;
}

export function unpacked(frame: ArrayBuffer): { note: Note; buffers: DataView[] } {
  const view = new DataView(frame);
  const count = view.getUint32(0, true);
  let at = 4 * (1 + count);
  const parts: DataView[] = [];
  for (let i = 0; i < count; i++) {
    const length = view.getUint32(4 * (1 + i), true);
    parts.push(new DataView(frame, at, length));
    at += length;
  }
  const [text, ...buffers] = parts;
  return { note: JSON.parse(new TextDecoder().decode(text)), buffers };
}
