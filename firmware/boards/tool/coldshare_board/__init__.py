"""`coldshare-board`: puts the firmware onto a board and says what is on it."""
