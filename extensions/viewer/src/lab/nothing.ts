/** A model that loads nothing: the file stays where it is, and a kernel reads what is looked at. */

import type { DocumentModel } from '@jupyterlab/docregistry';
import type { Contents } from '@jupyterlab/services';

import { shared } from './shared.js';

const docregistry = await shared<typeof import('@jupyterlab/docregistry')>('@jupyterlab/docregistry');

export const MODEL = 'panosc-nothing';

export class Nothing extends docregistry.TextModelFactory {
  override get name(): string {
    return MODEL;
  }

  override get fileFormat(): Contents.FileFormat {
    return null;
  }

  override createNew(): DocumentModel {
    const model = new docregistry.DocumentModel();
    model.readOnly = true;
    return model;
  }
}
