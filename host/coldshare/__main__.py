"""`python -m coldshare`."""

from coldshare.cli import main

main()
