"""``python app.py``: Lamina out of a checkout; see :mod:`backend.cli`, which is ``lamina`` where it
is installed.
"""

from __future__ import annotations

from backend.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
