"""Kernels in a container: a full home must not stop one, so the history of commands stays in memory."""

c = get_config()  # type: ignore[name-defined]  # noqa: F821 - IPython provides get_config

c.HistoryManager.hist_file = ":memory:"
