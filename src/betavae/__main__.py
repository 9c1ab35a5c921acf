"""``python -m betavae`` is the command ``betavae``."""

import sys

from betavae.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
