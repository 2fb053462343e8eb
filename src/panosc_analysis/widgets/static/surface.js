// Codes to colours: by a shader that all viewers of a page share (a browser has few WebGL contexts), or, where no graphics
// processor would run it, by a loop, which is then several times as fast. Both give each screen pixel the highest of the
// cells it shows, masked only if all of them are.

const VERTEX = `#version 300 es
void main() { gl_Position = vec4(gl_VertexID == 1 ? 3.0 : -1.0, gl_VertexID == 2 ? 3.0 : -1.0, 0.0, 1.0); }`;

const FRAGMENT = `#version 300 es
precision highp float; precision highp int; precision highp usampler2D; precision highp isampler2D;
uniform usampler2D codes; uniform usampler2D levels; uniform sampler2D lut;
uniform isampler2D across; uniform isampler2D down;
uniform uint maskedCode; uniform int height;
out vec4 colour;
void main() {
  ivec2 pixel = ivec2(gl_FragCoord.xy);
  ivec2 columns = texelFetch(across, ivec2(pixel.x, 0), 0).rg;
  ivec2 rows = texelFetch(down, ivec2(height - 1 - pixel.y, 0), 0).rg;
  bool found = false;
  uint highest = 0u;
  for (int row = rows.x; row <= rows.y; row++) {
    for (int column = columns.x; column <= columns.y; column++) {
      uint code = texelFetch(codes, ivec2(column, row), 0).r;
      if (code != maskedCode && (!found || code > highest)) { highest = code; found = true; }
    }
  }
  if (!found) { colour = vec4(0.0); return; }
  uint level = texelFetch(levels, ivec2(int(highest & 255u), int(highest >> 8u)), 0).r;
  colour = texelFetch(lut, ivec2(int(level), 0), 0);
}`;

// Of ANGLE, Mesa and Windows. `failIfMajorPerformanceCaveat` would ask the same, but Chromium does not count its own.
const IMITATIONS = /swiftshader|llvmpipe|softpipe|software|basic render/i;

function rendererOf(gl) {
  const names = gl.getExtension("WEBGL_debug_renderer_info");
  return String(gl.getParameter(names ? names.UNMASKED_RENDERER_WEBGL : gl.RENDERER));
}

class GlSurface {
  /** ``null`` without WebGL2, or if the processor only imitates it and `isWanted` is not set. */
  static make(isWanted) {
    const canvas = document.createElement("canvas");
    const options = { alpha: true, antialias: false, depth: false, premultipliedAlpha: false, preserveDrawingBuffer: true };
    const gl = canvas.getContext("webgl2", options);
    return gl && (isWanted || !IMITATIONS.test(rendererOf(gl))) ? new GlSurface(canvas, gl) : null;
  }

  constructor(canvas, gl) {
    Object.assign(this, { canvas, gl, kind: "WebGL2", uploaded: [] });
    const program = gl.createProgram();
    for (const [type, source] of [[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, FRAGMENT]]) {
      const shader = gl.createShader(type);
      gl.shaderSource(shader, source);
      gl.compileShader(shader);
      gl.attachShader(program, shader);
    }
    gl.linkProgram(program);
    if (!gl.getProgramParameter(program, gl.LINK_STATUS)) throw new Error(gl.getProgramInfoLog(program));
    gl.useProgram(program);
    gl.pixelStorei(gl.UNPACK_ALIGNMENT, 1);
    this.place = (name) => gl.getUniformLocation(program, name);
    ["codes", "levels", "lut", "across", "down"].forEach((name, unit) => {
      gl.activeTexture(gl.TEXTURE0 + unit);
      gl.bindTexture(gl.TEXTURE_2D, gl.createTexture());
      for (const side of [gl.TEXTURE_MIN_FILTER, gl.TEXTURE_MAG_FILTER]) gl.texParameteri(gl.TEXTURE_2D, side, gl.NEAREST);
      for (const side of [gl.TEXTURE_WRAP_S, gl.TEXTURE_WRAP_T]) gl.texParameteri(gl.TEXTURE_2D, side, gl.CLAMP_TO_EDGE);
      gl.uniform1i(this.place(name), unit);
    });
  }

  get isLost() {
    return this.gl.isContextLost();
  }

  /** Give a texture its values, unless it has them. */
  upload(unit, inner, width, height, format, type, values) {
    const { gl } = this;
    if (this.uploaded[unit] === values) return;
    this.uploaded[unit] = values;
    gl.activeTexture(gl.TEXTURE0 + unit);
    gl.texImage2D(gl.TEXTURE_2D, 0, inner, width, height, 0, format, type, values);
  }

  /** Draw into the corner of its canvas; returns the canvas and where in it the picture begins. */
  render({ picture, levels, lut, across, down }) {
    const { gl, canvas } = this;
    const [width, height] = [across.length / 2, down.length / 2];
    if (canvas.width < width) canvas.width = width;
    if (canvas.height < height) canvas.height = height;
    const is8 = picture.bits === 8;
    const [inner, type] = is8 ? [gl.R8UI, gl.UNSIGNED_BYTE] : [gl.R16UI, gl.UNSIGNED_SHORT];
    this.upload(0, inner, picture.columns, picture.rows, gl.RED_INTEGER, type, picture.codes);
    this.upload(1, gl.R8UI, 256, levels.length / 256, gl.RED_INTEGER, gl.UNSIGNED_BYTE, levels);
    this.upload(2, gl.RGBA, 256, 1, gl.RGBA, gl.UNSIGNED_BYTE, lut);
    this.upload(3, gl.RG32I, width, 1, gl.RG_INTEGER, gl.INT, across);
    this.upload(4, gl.RG32I, height, 1, gl.RG_INTEGER, gl.INT, down);
    gl.uniform1ui(this.place("maskedCode"), is8 ? 255 : 65535);
    gl.uniform1i(this.place("height"), height);
    gl.viewport(0, 0, width, height);
    gl.enable(gl.SCISSOR_TEST);
    gl.scissor(0, 0, width, height);
    gl.clearColor(0, 0, 0, 0);
    gl.clear(gl.COLOR_BUFFER_BIT);
    gl.drawArrays(gl.TRIANGLES, 0, 3);
    return { canvas, top: canvas.height - height };
  }
}

class PlainSurface {
  constructor() {
    this.canvas = document.createElement("canvas");
    this.pen = this.canvas.getContext("2d");
    this.isLost = false;
    this.kind = "canvas";
  }

  render({ picture, levels, lut, across, down }) {
    const [width, height] = [across.length / 2, down.length / 2];
    if (this.canvas.width !== width || this.canvas.height !== height || !this.image) {
      Object.assign(this.canvas, { width, height });
      this.image = this.pen.createImageData(width, height);
    }
    const pixels = new Uint32Array(this.image.data.buffer);
    const colours = this.coloursOf(levels, lut);
    for (let y = 0; y < height; y++) {
      const [first, last] = [down[2 * y], down[2 * y + 1]];
      const line = y * width;
      if (y && first === down[2 * y - 2] && last === down[2 * y - 1]) pixels.copyWithin(line, line - width, line);
      else if (first === last) drawLine(pixels, line, picture.codes, first * picture.columns, across, colours);
      else drawHighest(pixels, line, picture, first, last, across, colours);
    }
    this.pen.putImageData(this.image, 0, 0);
    return { canvas: this.canvas, top: 0 };
  }

  /** The colour of every code as a whole number; nothing for the masked one, which is the last. */
  coloursOf(levels, lut) {
    if (this.levels !== levels || this.lut !== lut) {
      const values = new Uint32Array(lut.buffer, lut.byteOffset, 256);
      if (this.colours?.length !== levels.length) this.colours = new Uint32Array(levels.length);
      for (let code = 0; code < levels.length - 1; code++) this.colours[code] = values[levels[code]];
      Object.assign(this, { levels, lut });
    }
    return this.colours;
  }
}

/** Draw a line of the screen that shows one row of the picture, `start` its first cell. */
function drawLine(pixels, line, codes, start, across, colours) {
  const masked = colours.length - 1;
  for (let x = 0, i = 0; i < across.length; x++, i += 2) {
    const last = across[i + 1];
    let column = across[i];
    if (column === last) {
      pixels[line + x] = colours[codes[start + column]];
      continue;
    }
    let highest = -1;
    for (; column <= last; column++) {
      const code = codes[start + column];
      if (code !== masked && code > highest) highest = code;
    }
    pixels[line + x] = highest < 0 ? 0 : colours[highest];
  }
}

/** Draw a line of the screen that shows several rows of the picture, or none. */
function drawHighest(pixels, line, picture, first, last, across, colours) {
  const masked = colours.length - 1;
  for (let x = 0; x < across.length / 2; x++) {
    let highest = -1;
    for (let row = first; row <= last; row++) {
      for (let column = across[2 * x]; column <= across[2 * x + 1]; column++) {
        const code = picture.codes[row * picture.columns + column];
        if (code !== masked && code > highest) highest = code;
      }
    }
    pixels[line + x] = highest < 0 ? 0 : colours[highest];
  }
}

/** The page's surface; `?panosc-webgl=off` or `=on` in the address takes the one or the other. */
export function surface() {
  const page = globalThis;
  if (!page.panoscSurface || page.panoscSurface.isLost) {
    const wish = new URLSearchParams(page.location?.search).get("panosc-webgl");
    let made = null;
    try {
      made = wish === "off" ? null : GlSurface.make(wish === "on");
    } catch (error) {
      console.warn("panosc-analysis: no WebGL2, drawing without", error);
    }
    page.panoscSurface = made ?? new PlainSurface();
  }
  return page.panoscSurface;
}
