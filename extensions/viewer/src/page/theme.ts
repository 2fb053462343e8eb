/** Light and dark as the reader's system has it, told to widgets in JupyterLab's way. */

export function followColourScheme(body: HTMLElement): void {
  const dark = matchMedia('(prefers-color-scheme: dark)');
  const tell = () => {
    body.dataset['jpThemeLight'] = String(!dark.matches);
    body.dataset['jpThemeName'] = dark.matches ? 'JupyterLab Dark' : 'JupyterLab Light';
  };
  dark.addEventListener('change', tell);
  tell();
}
