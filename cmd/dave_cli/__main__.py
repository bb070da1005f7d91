"""`python -m dave_cli` is `dave`."""

import sys

from dave_cli.main import main

sys.exit(main())
