/** Files that are open in the kernel, and the browser's side of their widgets. */

import type { Kernel, KernelMessage, ServiceManager } from '@jupyterlab/services';

import { viewOf } from '../host/buffers.js';
import { Models } from '../host/models.js';
import type { Message, Model } from '../host/model.js';
import { ViewerKernel } from './kernel.js';

/** A file that is open. */
export interface Opened {
  models: Model[];
  close(): Promise<void>;
}

interface Answer {
  widgets?: string[];
  message?: string;
  hint?: string;
}

export class Documents {
  private readonly kernel: ViewerKernel;
  private readonly models = new Models();
  private readonly lost = new Map<string, () => void>();

  constructor(kernel: ViewerKernel) {
    this.kernel = kernel;
    kernel.onMade = (made) => made.registerCommTarget('jupyter.widget', (comm, message) => this.made(comm, message));
    kernel.onLost = () => {
      const tell = [...this.lost.values()];
      this.lost.clear();
      for (const one of tell) one();
    };
  }

  /** Open the file at `path` below the server's root; throws what the kernel says against it. */
  async open(path: string, lost: () => void): Promise<Opened> {
    const id = crypto.randomUUID();
    this.lost.set(id, lost);
    try {
      const answer = (await this.kernel.ask(`opened(${JSON.stringify(id)}, ${JSON.stringify(path)})`)) as Answer;
      if (!answer.widgets) throw Object.assign(new Error(answer.message), { hint: answer.hint });
      const models = await Promise.all(answer.widgets.map((widget) => this.models.get_model(widget)));
      return { models, close: () => this.close(id) };
    } catch (error) {
      await this.close(id);
      throw error;
    }
  }

  private async close(id: string): Promise<void> {
    if (!this.lost.delete(id)) return; // with the kernel everything has gone
    await this.kernel.tell(`closed(${JSON.stringify(id)})`);
    if (!this.lost.size) this.kernel.leave();
  }

  private made(comm: Kernel.IComm, { content, buffers }: KernelMessage.ICommOpenMsg): void {
    const send = (data: object, parts: ArrayBuffer[]) => void comm.send(data as never, undefined, parts);
    this.models.open(comm.commId, content.data as never, viewsOf(buffers), { send });
    comm.onMsg = (message) => this.models.receive(comm.commId, message.content.data as Message, viewsOf(message.buffers));
    comm.onClose = () => this.models.close(comm.commId);
  }
}

let documents: Documents | null = null;

/** All tabs share one kernel: the second file opens at once. */
export function documentsOf(services: ServiceManager.IManager, kernelName: () => Promise<string | undefined>): Documents {
  documents ??= new Documents(new ViewerKernel(services.sessions, kernelName));
  return documents;
}

function viewsOf(buffers: (ArrayBuffer | ArrayBufferView)[] | undefined): DataView[] {
  return (buffers ?? []).map(viewOf);
}
