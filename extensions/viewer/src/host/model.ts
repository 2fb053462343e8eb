/** The browser's side of one widget, as anywidget's modules expect it: its state, its changes, its messages. */

import { putBuffers, takeBuffers } from './buffers.js';
import type { Path, State } from './buffers.js';

/** Sends to the widget in Python. */
export interface Channel {
  send(data: object, buffers: ArrayBuffer[]): void;
}

/** What a widget in Python says, by ipywidgets' protocol. */
export interface Message {
  method?: string;
  state?: State;
  buffer_paths?: Path[];
  content?: unknown;
}

/** Finds other widgets by their id, for those that show them inside themselves. */
export interface Finder {
  get_model(id: string): Promise<Model>;
}

type Listener = (...values: any[]) => void;

export class Model {
  readonly id: string;
  readonly widget_manager: Finder;
  private state: State;
  private changed: State = {};
  private channel: Channel;
  private listeners = new Map<string, Set<Listener>>();

  constructor(id: string, state: State, channel: Channel, finder: Finder) {
    this.id = id;
    this.state = state;
    this.channel = channel;
    this.widget_manager = finder;
  }

  get(name: string): any {
    return this.state[name];
  }

  /** Change values here; `save_changes` tells Python. */
  set(values: string | State, value?: unknown): void {
    const given = typeof values === 'string' ? { [values]: value } : values;
    Object.assign(this.changed, given);
    this.change(given);
  }

  save_changes(): void {
    if (!Object.keys(this.changed).length) return;
    const { state, paths, buffers } = takeBuffers(this.changed);
    this.changed = {};
    this.channel.send({ method: 'update', state, buffer_paths: paths }, buffers);
  }

  /** Send a message of the widget's own. */
  send(content: unknown, _callbacks?: unknown, buffers: (ArrayBuffer | ArrayBufferView)[] = []): void {
    this.channel.send({ method: 'custom', content }, takeBuffers({ buffers }).buffers);
  }

  on(event: string, listener: Listener): void {
    const known = this.listeners.get(event) ?? new Set();
    this.listeners.set(event, known.add(listener));
  }

  off(event?: string | null, listener?: Listener | null): void {
    if (!event) this.listeners.clear();
    else if (!listener) this.listeners.delete(event);
    else this.listeners.get(event)?.delete(listener);
  }

  /** Take what Python says. Its echoes of what was changed here say nothing new. */
  receive(message: Message, buffers: DataView[]): void {
    if (message.method === 'update' && message.state) {
      putBuffers(message.state, message.buffer_paths ?? [], buffers);
      this.change(message.state);
    } else if (message.method === 'custom') {
      this.tell('msg:custom', message.content, buffers);
    }
  }

  private change(values: State): void {
    const names = Object.keys(values).filter((name) => values[name] !== this.state[name]);
    Object.assign(this.state, values);
    for (const name of names) this.tell(`change:${name}`, this, this.state[name]);
    if (names.length) this.tell('change', this);
  }

  private tell(event: string, ...values: unknown[]): void {
    for (const listener of [...(this.listeners.get(event) ?? [])]) listener(...values);
  }
}
