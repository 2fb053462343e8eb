/** JupyterLab's own modules, which an extension must not bring along. */

interface Container {
  shared(name: string): Promise<unknown>;
}

declare global {
  interface Window {
    _JUPYTERLAB: Record<string, Container>;
  }
}

/** The module `name` as JupyterLab has it. */
export async function shared<T>(name: string): Promise<T> {
  return (await window._JUPYTERLAB['@panosc-analysis/viewer']?.shared(name)) as T;
}
