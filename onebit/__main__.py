"""`python -m onebit` is the console script `onebit`."""

import sys

from onebit.cli import main

sys.exit(main())
