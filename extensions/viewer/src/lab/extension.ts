/** The plugin: data files open in the viewer by double-click and by Open With. */

import type { ILayoutRestorer, JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import type { IDocumentManager } from '@jupyterlab/docmanager';
import type { IDocumentWidget } from '@jupyterlab/docregistry';
import type { ISettingRegistry } from '@jupyterlab/settingregistry';

import { ViewerFactory } from './factory.js';
import { addFileTypes, ICON, NAME } from './file_type.js';
import { Nothing } from './nothing.js';
import { takeOver } from './opening.js';
import { shared } from './shared.js';

const ID = '@panosc-analysis/viewer:documents';
const application = await shared<typeof import('@jupyterlab/application')>('@jupyterlab/application');
const apputils = await shared<typeof import('@jupyterlab/apputils')>('@jupyterlab/apputils');
const docmanager = await shared<typeof import('@jupyterlab/docmanager')>('@jupyterlab/docmanager');
const settingregistry = await shared<typeof import('@jupyterlab/settingregistry')>('@jupyterlab/settingregistry');

const plugin: JupyterFrontEndPlugin<void> = {
  id: ID,
  description: 'Opens NeXus and HDF5 files in the viewer of panosc-analysis.',
  autoStart: true,
  requires: [docmanager.IDocumentManager],
  optional: [application.ILayoutRestorer, settingregistry.ISettingRegistry],
  activate,
};

function activate(
  app: JupyterFrontEnd,
  manager: IDocumentManager,
  restorer: ILayoutRestorer | null,
  registry: ISettingRegistry | null,
): void {
  let settings: ISettingRegistry.ISettings | null = null;
  const loading = registry?.load(ID).then((loaded) => (settings = loaded));
  const kernel = async () => (await loading)?.composite['kernel'] as string | undefined;
  app.docRegistry.addModelFactory(new Nothing());
  const factory = new ViewerFactory(app.serviceManager, kernel);
  app.docRegistry.addWidgetFactory(factory);
  void app.started.then(() => {
    addFileTypes(app.docRegistry);
    takeOver(manager, () => Boolean(settings?.composite['doubleClick'] ?? true));
  });
  restore(factory, restorer);
}

/** What is open stays open when the page is loaded again. */
function restore(factory: ViewerFactory, restorer: ILayoutRestorer | null): void {
  const tracker = new apputils.WidgetTracker<IDocumentWidget>({ namespace: 'panosc-viewer' });
  factory.widgetCreated.connect((_, widget) => {
    widget.title.iconClass = ICON;
    widget.context.pathChanged.connect(() => void tracker.save(widget));
    void tracker.add(widget);
  });
  void restorer?.restore(tracker, {
    command: 'docmanager:open',
    args: (widget) => ({ path: widget.context.path, factory: NAME }),
    name: (widget) => widget.context.path,
  });
}

export default plugin;
