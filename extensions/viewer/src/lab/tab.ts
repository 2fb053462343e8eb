/** What fills a tab: the file's widgets, or what stands in their place while they come or if they cannot. */

import type { ServiceManager } from '@jupyterlab/services';

import { mount } from '../host/view.js';
import { documentsOf } from './documents.js';
import type { Opened } from './documents.js';

const PATIENCE = 150; // ms before it is said that something is awaited

export class Tab {
  private readonly node: HTMLElement;
  private readonly path: () => string;
  private readonly services: ServiceManager.IManager;
  private readonly kernelName: () => Promise<string | undefined>;
  private opened: Opened | null = null;
  private turn = 0;

  constructor(node: HTMLElement, path: () => string, services: ServiceManager.IManager, kernelName: () => Promise<string | undefined>) {
    this.node = node;
    this.path = path;
    this.services = services;
    this.kernelName = kernelName;
    node.classList.add('panosc-Document');
    // The keys are the viewer's, where it has the focus; JupyterLab would take some of them for its shortcuts.
    node.dataset['lmSuppressShortcuts'] = 'true';
    style();
  }

  /** Open the file, or open it again. */
  async show(): Promise<void> {
    const turn = ++this.turn;
    await this.drop();
    const waiting = setTimeout(() => this.say('status', element('p', 'Opening the file …')), PATIENCE);
    try {
      const documents = documentsOf(this.services, this.kernelName);
      const opened = await documents.open(this.path(), () => this.lost());
      if (turn !== this.turn) return opened.close();
      this.opened = opened;
      clearTimeout(waiting);
      const places = opened.models.map(() => element('div', ''));
      this.node.replaceChildren(...places);
      await Promise.all(opened.models.map((model, i) => mount(model, places[i]!)));
    } catch (error) {
      clearTimeout(waiting);
      if (turn === this.turn) this.refuse(error as Error & { hint?: string });
    }
  }

  async close(): Promise<void> {
    this.turn++;
    await this.drop();
  }

  private async drop(): Promise<void> {
    const opened = this.opened;
    this.opened = null;
    await opened?.close();
  }

  private lost(): void {
    this.opened = null;
    this.refuse({ message: 'The Python process that read this file has ended.', hint: 'Its memory may have run out.' });
  }

  private refuse({ message, hint }: { message: string; hint?: string }): void {
    const again = element('button', 'Open again');
    again.className = 'jp-mod-styled jp-mod-accept';
    again.onclick = () => void this.show();
    this.say('alert', element('strong', message), element('p', hint ?? ''), again);
  }

  private say(role: string, ...parts: HTMLElement[]): void {
    const note = element('div', '');
    note.className = 'panosc-Document-note';
    note.setAttribute('role', role);
    note.append(...parts);
    this.node.replaceChildren(note);
  }
}

function element(name: 'p' | 'strong' | 'div', text: string): HTMLElement;
function element(name: 'button', text: string): HTMLButtonElement;
function element(name: string, text: string): HTMLElement {
  const made = document.createElement(name);
  made.textContent = text;
  return made;
}

function style(): void {
  const href = new URL('tab.css', import.meta.url).href;
  if (document.querySelector(`link[href="${href}"]`)) return;
  const link = document.createElement('link');
  link.rel = 'stylesheet';
  link.href = href;
  document.head.append(link);
}
