/** Makes a tab for a file. What fills it is loaded with the first one. */

import type { DocumentRegistry, IDocumentWidget } from '@jupyterlab/docregistry';
import type { ServiceManager } from '@jupyterlab/services';
import type { Widget } from '@lumino/widgets';

import { DEFAULT_FOR, FILE_TYPES, NAME } from './file_type.js';
import { MODEL } from './nothing.js';
import { shared } from './shared.js';

const docregistry = await shared<typeof import('@jupyterlab/docregistry')>('@jupyterlab/docregistry');
const widgets = await shared<typeof import('@lumino/widgets')>('@lumino/widgets');

export class ViewerFactory extends docregistry.ABCWidgetFactory<IDocumentWidget> {
  private readonly services: ServiceManager.IManager;
  private readonly kernelName: () => Promise<string | undefined>;

  constructor(services: ServiceManager.IManager, kernelName: () => Promise<string | undefined>) {
    super({ name: NAME, label: NAME, modelName: MODEL, fileTypes: FILE_TYPES, defaultFor: DEFAULT_FOR, readOnly: true });
    this.services = services;
    this.kernelName = kernelName;
  }

  protected createNewWidget(context: DocumentRegistry.Context): IDocumentWidget {
    const content = new widgets.Widget();
    const tab = new docregistry.DocumentWidget({ content, context });
    void this.fill(content, context);
    return tab;
  }

  private async fill(content: Widget, context: DocumentRegistry.Context): Promise<void> {
    const { Tab } = await import('./tab.js');
    const path = () => this.services.contents.localPath(context.path);
    const tab = new Tab(content.node, path, this.services, this.kernelName);
    content.disposed.connect(() => tab.close());
    context.pathChanged.connect(() => tab.show());
    await tab.show();
  }
}
