"""How sessions are started, one module for each backend."""
