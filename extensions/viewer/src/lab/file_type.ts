/** Which files the viewer is for. */

import type { DocumentRegistry } from '@jupyterlab/docregistry';

export const NAME = 'PaNOSC viewer';
export const ICON = 'jp-MaterialIcon jp-ImageIcon';

const HDF5 = ['.nxs', '.nx', '.nx5', '.nexus', '.nxspe', '.h5', '.hdf5', '.hdf', '.hf5', '.cxi'];
const FRAMES = ['.edf', '.cbf', '.spec', '.mccd'];

/** jupyterlab-h5web calls its files so; its entry in the menu of a file goes by the name. */
const H5WEB = 'hdf5file';

const NEXUS = 'nexus';
const FRAME = 'detector-frame';

/** Types that the viewer can open, and those of them that it opens where nobody else does. */
export const FILE_TYPES = [NEXUS, FRAME, H5WEB, 'tiff'];
export const DEFAULT_FOR = [NEXUS, FRAME, H5WEB];

export function isHDF5(path: string): boolean {
  return HDF5.some((extension) => path.toLowerCase().endsWith(extension));
}

/** Name the types that nobody has named; to be called when all extensions have started. */
export function addFileTypes(registry: DocumentRegistry): void {
  const kept = { contentType: 'file', fileFormat: null, iconClass: ICON } as const;
  const known = (extension: string) => registry.getFileTypesForPath(`x${extension}`).length > 0;
  const unknown = (extensions: string[]) => extensions.filter((extension) => !known(extension));
  registry.addFileType({ ...kept, name: NEXUS, displayName: 'NeXus file', extensions: unknown(HDF5), mimeTypes: ['application/x-hdf5'] });
  registry.addFileType({ ...kept, name: FRAME, displayName: 'Detector frame', extensions: unknown(FRAMES) });
}
