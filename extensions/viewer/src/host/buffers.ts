/** Binary values of a widget's state: they travel beside the JSON, which names the places where they belong. */

export type State = Record<string, unknown>;
export type Path = (string | number)[];

/** Put `buffers` at their places in `state`. */
export function putBuffers(state: State, paths: Path[], buffers: DataView[]): void {
  paths.forEach((path, i) => {
    const last = path[path.length - 1];
    let place: any = state;
    for (const step of path.slice(0, -1)) place = place[step];
    if (last !== undefined) place[last] = buffers[i];
  });
}

/** Copy `state` without its binary values; these come apart, with their places. */
export function takeBuffers(state: State): { state: State; paths: Path[]; buffers: ArrayBuffer[] } {
  const paths: Path[] = [];
  const buffers: ArrayBuffer[] = [];
  const copy = (value: unknown, path: Path): unknown => {
    if (value instanceof ArrayBuffer || ArrayBuffer.isView(value)) {
      paths.push(path);
      buffers.push(bytesOf(value));
      return null;
    }
    if (Array.isArray(value)) return value.map((item, i) => copy(item, [...path, i]));
    if (value !== null && typeof value === 'object') {
      return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, copy(item, [...path, name])]));
    }
    return value;
  };
  return { state: copy(state, []) as State, paths, buffers };
}

/** Whatever holds bytes, as the view that widgets expect. */
export function viewOf(value: ArrayBuffer | ArrayBufferView): DataView {
  if (value instanceof ArrayBuffer) return new DataView(value);
  return new DataView(value.buffer as ArrayBuffer, value.byteOffset, value.byteLength);
}

function bytesOf(value: ArrayBuffer | ArrayBufferView): ArrayBuffer {
  if (value instanceof ArrayBuffer) return value;
  return value.buffer.slice(value.byteOffset, value.byteOffset + value.byteLength) as ArrayBuffer;
}
