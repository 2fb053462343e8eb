/** All widgets of one connection, by the ids that Python gave them. */

import { putBuffers } from './buffers.js';
import type { Path, State } from './buffers.js';
import { Model } from './model.js';
import type { Channel, Finder, Message } from './model.js';

export class Models implements Finder {
  private models = new Map<string, Model>();

  /** Python has made a widget. */
  open(id: string, data: { state: State; buffer_paths?: Path[] }, buffers: DataView[], channel: Channel): void {
    putBuffers(data.state, data.buffer_paths ?? [], buffers);
    this.models.set(id, new Model(id, data.state, channel, this));
  }

  receive(id: string, message: Message, buffers: DataView[]): void {
    this.models.get(id)?.receive(message, buffers);
  }

  close(id: string): void {
    this.models.get(id)?.off();
    this.models.delete(id);
  }

  /** The widget of this id, or of a reference such as "IPY_MODEL_…". */
  async get_model(id: string): Promise<Model> {
    const model = this.models.get(id.replace(/^IPY_MODEL_/, ''));
    if (!model) throw new Error(`There is no widget ${id}`);
    return model;
  }
}
