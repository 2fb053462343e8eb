"""JupyterLab's settings in every session."""

from importlib.resources import files

c = get_config()  # type: ignore[name-defined]  # noqa: F821 - Jupyter provides get_config

# The facility decides what is installed and when; a session asks no outside server about news.
c.LabApp.extension_manager = "readonly"
c.LabApp.news_url = None
c.LabApp.check_for_updates_class = "jupyterlab.handlers.announcements.NeverCheckForUpdate"
c.LabApp.app_settings_dir = str(files("hub_config") / "lab" / "settings")
