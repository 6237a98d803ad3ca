"""`python -m coldshare_board`."""

from coldshare_board.cli import main

if __name__ == "__main__":
    main()
