"""``python -m deocclude`` is the ``deocclude`` command."""

import sys

from deocclude.cli.main import main

sys.exit(main())
