// What JupyterLab loads first: a module federation container, which is given JupyterLab's own modules and gives ours.
// It stands beside the modules themselves, so that JupyterLab reads no more of them at its start than the plugin.

(() => {
  const here = document.currentScript.src;
  const modules = { './extension': 'extension.js' };
  let scope = {};
  const container = {
    init(given) {
      scope = given;
    },
    async get(name) {
      if (!(name in modules)) throw new Error(`@panosc-analysis/viewer has no module ${name}`);
      const module = await import(new URL(modules[name], here));
      return () => ({ ...module, __esModule: true }); // JupyterLab writes on what it gets
    },
    /** A module of JupyterLab: the one that is in use, where there are several versions. */
    async shared(name) {
      const versions = Object.values(scope[name] ?? {});
      const chosen = versions.find((version) => version.loaded) ?? versions[0];
      if (!chosen) throw new Error(`This JupyterLab has no ${name}`);
      return (await chosen.get())();
    },
  };
  (window._JUPYTERLAB ??= {})['@panosc-analysis/viewer'] = container;
})();
