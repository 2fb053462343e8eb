/** Shows a widget: loads the module and the style sheet that it brings along, and lets it draw into an element. */

import type { Model } from './model.js';

type Cleanup = (() => unknown) | void;

interface Definition {
  initialize?(context: { model: Model; signal: AbortSignal }): Cleanup | Promise<Cleanup>;
  render?(context: { model: Model; el: HTMLElement; signal: AbortSignal }): Cleanup | Promise<Cleanup>;
}

const definitions = new Map<string, Promise<Definition>>();
const initialized = new WeakMap<Model, Promise<Cleanup>>();

/** Draw `model` into `element`; what is returned takes it away again. */
export async function mount(model: Model, element: HTMLElement): Promise<() => void> {
  const aborting = new AbortController();
  const { signal } = aborting;
  style(model.get('_anywidget_id'), model.get('_css'));
  const definition = await definitionOf(model.get('_esm'));
  if (!initialized.has(model)) {
    initialized.set(model, Promise.resolve(definition.initialize?.({ model, signal: new AbortController().signal })));
  }
  await initialized.get(model);
  const cleanup = await definition.render?.({ model, el: element, signal });
  return () => {
    aborting.abort();
    cleanup?.();
    element.replaceChildren();
  };
}

function definitionOf(text: string): Promise<Definition> {
  const known = definitions.get(text);
  if (known) return known;
  const loading = load(text);
  definitions.set(text, loading);
  return loading;
}

async function load(text: string): Promise<Definition> {
  const url = URL.createObjectURL(new Blob([text], { type: 'text/javascript' }));
  try {
    const module = await import(url);
    return typeof module.default === 'function' ? await module.default() : module.default;
  } finally {
    URL.revokeObjectURL(url);
  }
}

/** One style sheet for all widgets of a kind. */
function style(id: string, text: string | undefined): void {
  const known = [...document.querySelectorAll<HTMLStyleElement>('style[data-anywidget]')];
  let sheet = known.find((element) => element.dataset['anywidget'] === id);
  if (!sheet) {
    sheet = document.createElement('style');
    sheet.dataset['anywidget'] = id;
    document.head.append(sheet);
  }
  if (sheet.textContent !== (text ?? '')) sheet.textContent = text ?? '';
}
