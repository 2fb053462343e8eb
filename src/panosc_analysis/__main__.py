"""``python -m panosc_analysis`` is the command line."""

from panosc_analysis.cli import main

raise SystemExit(main())
