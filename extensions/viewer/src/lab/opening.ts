/** By which way a file comes to the viewer. */

import type { IDocumentManager } from '@jupyterlab/docmanager';

import { isHDF5, NAME } from './file_type.js';

/**
 * Let the viewer open what is asked of it, and by double-click where `byDefault` says so.
 *
 * jupyterlab-h5web puts itself in the place of `open` for every file of its types, whichever viewer was asked for. This
 * must therefore happen after all extensions have started.
 */
export function takeOver(manager: IDocumentManager, byDefault: () => boolean): void {
  const plain: IDocumentManager['open'] = Object.getPrototypeOf(manager).open.bind(manager);
  const others = manager.open.bind(manager);
  manager.open = (path, widgetName = 'default', kernel, options) => {
    const asked = widgetName === 'default' ? byDefault() && isHDF5(path) : widgetName.toLowerCase() === NAME.toLowerCase();
    return asked ? plain(path, NAME, kernel, options) : others(path, widgetName, kernel, options);
  };
}
