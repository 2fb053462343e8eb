/** The page of `panosc-analysis show --browser`: its widgets live in the process that serves it. */

import { Models } from '../host/models.js';
import { mount } from '../host/view.js';
import { followColourScheme } from './theme.js';
import { packed, unpacked } from './wire.js';
import type { Note } from './wire.js';

const GONE = 'The program that showed this file has ended. Start it again to go on.';

class Page {
  private readonly main: HTMLElement;
  private readonly status: HTMLElement;
  private readonly socket: WebSocket;
  private readonly models = new Models();
  private order: Promise<void> = Promise.resolve();
  private failed = false;

  constructor(main: HTMLElement, status: HTMLElement) {
    this.main = main;
    this.status = status;
    const address = new URL('socket', location.href);
    address.protocol = 'ws:';
    this.socket = new WebSocket(address);
    this.socket.binaryType = 'arraybuffer';
    this.socket.onmessage = ({ data }) => {
      // One after the other: a widget is shown when all of it is here.
      this.order = this.order.then(() => this.receive(data)).catch((error) => this.fail(String(error)));
    };
    this.socket.onclose = () => this.failed || this.fail(GONE);
  }

  private async receive(frame: ArrayBuffer): Promise<void> {
    const { note, buffers } = unpacked(frame);
    const id = note.id ?? '';
    if (note.kind === 'open') {
      const send = (data: object, parts: ArrayBuffer[]) => this.send({ kind: 'message', id, data }, parts);
      this.models.open(id, note.data, buffers, { send });
    } else if (note.kind === 'message') this.models.receive(id, note.data, buffers);
    else if (note.kind === 'close') this.models.close(id);
    else if (note.kind === 'ready') await this.show(note.data);
    else this.fail(note.data.message, note.data.hint);
  }

  private send(note: Note, buffers: ArrayBuffer[]): void {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(packed(note, buffers));
  }

  private async show({ title, widgets }: { title: string; widgets: string[] }): Promise<void> {
    document.title = `${title} – panosc-analysis`;
    this.status.hidden = true;
    this.main.replaceChildren();
    for (const id of widgets) {
      const place = document.createElement('div');
      this.main.append(place);
      await mount(await this.models.get_model(id), place);
    }
  }

  private fail(message: string, hint = ''): void {
    this.failed = true;
    this.status.replaceChildren(strong(message), hint && ` ${hint}`);
    this.status.classList.add('failed');
    this.status.setAttribute('role', 'alert');
    this.status.hidden = false;
  }
}

function strong(text: string): HTMLElement {
  const element = document.createElement('strong');
  element.textContent = text;
  return element;
}

const [main, status] = [document.querySelector('main'), document.querySelector<HTMLElement>('[role=status]')];
followColourScheme(document.body);
if (main && status) new Page(main, status);
