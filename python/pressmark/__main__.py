"""python -m pressmark: the command line."""

import sys

from pressmark.cli import main

if __name__ == "__main__":
    sys.exit(main())
