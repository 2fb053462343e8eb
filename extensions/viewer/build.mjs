// Builds the extension: `node build.mjs PAGE LABEXTENSION`. Needs Node 24 and no package, so that a wheel can be made anywhere.
//
// The sources use only TypeScript that disappears (tsconfig: erasableSyntaxOnly); what is left are ECMAScript modules,
// which a browser loads as they are. JupyterLab gets one script more, src/lab/container.js: the module federation
// container that it loads first.
//
// PAGE gets what `panosc-analysis show --browser` serves, LABEXTENSION what goes to share/jupyter/labextensions.

import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));

/** Modules below `folder`, as [path in it, JavaScript]. */
function modules(folder) {
  return readdirSync(join(here, 'src', folder))
    .sort()
    .map((name) => {
      const text = readFileSync(join(here, 'src', folder, name), 'utf-8');
      if (!name.endsWith('.ts')) return [join(folder, name), text];
      return [join(folder, name.replace(/ts$/, 'js')), stripTypeScriptTypes(text)];
    });
}

function write(file, text) {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}

function buildPage(out) {
  for (const [name, text] of [...modules('host'), ...modules('page')]) {
    write(join(out, name === join('page', 'page.html') ? 'page.html' : name), text);
  }
}

function buildLabextension(out) {
  const built = [...modules('host'), ...modules('lab')];
  // A new version lies in a new directory, since browsers keep what they have loaded.
  const version = createHash('sha256').update(JSON.stringify(built)).digest('hex').slice(0, 16);
  for (const [name, text] of built) write(join(out, 'static', version, name), text);
  const description = JSON.parse(readFileSync(join(here, 'package.json'), 'utf-8'));
  const { name, license, jupyterlab } = description;
  const load = `static/${version}/lab/container.js`;
  const _build = { load, extension: './extension' };
  const kept = { name, version: description.version, license, jupyterlab: { ...jupyterlab, _build } };
  write(join(out, 'package.json'), JSON.stringify(kept, null, 2));
  cpSync(join(here, 'schema'), join(out, 'schemas', ...name.split('/')), { recursive: true });
  write(join(out, 'schemas', ...name.split('/'), 'package.json.orig'), JSON.stringify(description, null, 2));
}

const [page, labextension] = process.argv.slice(2);
for (const out of [page, labextension]) rmSync(out, { recursive: true, force: true });
buildPage(page);
buildLabextension(labextension);
