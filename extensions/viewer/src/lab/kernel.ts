/** The kernel that reads files for the viewer: one for all tabs, started with the first and ended after the last. */

import type { Kernel, Session } from '@jupyterlab/services';

const NAME = 'panosc-viewer'; // no directory of this name is needed: a kernel starts in the server's root directory
const MODULE = '__panosc_documents';
const LINGER = 30_000; // ms that a kernel without files is kept

export class ViewerKernel {
  /** Called with each new connection to a kernel, before anything is asked. */
  onMade: (kernel: Kernel.IKernelConnection) => void = () => undefined;
  /** Called when the kernel has died or was restarted: whatever was open in it is gone. */
  onLost: () => void = () => undefined;

  private readonly sessions: Session.IManager;
  private readonly kernelName: () => Promise<string | undefined>;
  private session: Promise<Session.ISessionConnection> | null = null;
  private leaving: ReturnType<typeof setTimeout> | undefined;

  constructor(sessions: Session.IManager, kernelName: () => Promise<string | undefined>) {
    this.sessions = sessions;
    this.kernelName = kernelName;
  }

  /** Value of an expression of the module that opens files. */
  async ask(expression: string): Promise<unknown> {
    clearTimeout(this.leaving);
    const kernel = await this.connected();
    const code = `from panosc_analysis.documents import lab as ${MODULE}`;
    const future = kernel.requestExecute({
      code,
      silent: true,
      store_history: false,
      user_expressions: { answer: `${MODULE}.${expression}` },
    });
    const { content } = await future.done;
    if (content.status !== 'ok') throw new Error(this.refused(content));
    const answer = content.user_expressions['answer'] as any;
    if (answer.status !== 'ok') throw new Error(`${answer.ename}: ${answer.evalue}`);
    return answer.data['application/json'];
  }

  /** Ask without waiting for a kernel that is not there. */
  async tell(expression: string): Promise<void> {
    if (!this.session) return;
    await this.ask(expression).catch((error) => console.warn('panosc viewer:', error));
  }

  /** Nothing is open any more. */
  leave(): void {
    clearTimeout(this.leaving);
    this.leaving = setTimeout(() => void this.end(), LINGER);
  }

  private connected(): Promise<Session.ISessionConnection['kernel'] & Kernel.IKernelConnection> {
    this.session ??= this.connect();
    const session = this.session;
    session.catch(() => {
      if (this.session === session) this.session = null;
    });
    return session.then(({ kernel }) => {
      if (!kernel) throw new Error('No Python process could be started.');
      return kernel;
    });
  }

  /** The server gives a session that runs already, such as that of the page before it was loaded again. */
  private async connect(): Promise<Session.ISessionConnection> {
    const name = await this.kernelName();
    const options = { path: NAME, name: 'PaNOSC viewer', type: 'panosc-viewer' };
    const session = await this.sessions.startNew(name ? { ...options, kernel: { name } } : options);
    session.disposed.connect(() => this.lose(session));
    session.statusChanged.connect((_, status) => {
      if (['dead', 'autorestarting', 'restarting'].includes(status)) this.lose(session);
    });
    if (session.kernel) this.onMade(session.kernel);
    return session;
  }

  private lose(session: Session.ISessionConnection): void {
    if (!this.session) return;
    this.session = null;
    this.onLost();
    if (!session.isDisposed) session.dispose();
  }

  /** Other pages may use the same kernel: only the last one ends it. */
  private async end(): Promise<void> {
    const session = await this.session?.catch(() => null);
    if (!session) return;
    this.session = null;
    const model = await this.sessions.findById(session.id);
    if ((model?.kernel?.connections ?? 0) > 1) session.dispose();
    else await session.shutdown();
  }

  private refused(content: { status: string; ename?: string; evalue?: string }): string {
    if (content.ename === 'ModuleNotFoundError' || content.ename === 'ImportError') {
      return `The kernel that opens files lacks a package (${content.evalue}). Choose another in Settings → PaNOSC viewer.`;
    }
    return `${content.ename ?? content.status}: ${content.evalue ?? 'the kernel did not answer'}`;
  }
}
