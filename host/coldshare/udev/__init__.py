"""Who may use a token on Linux: the rules for udev, whether they are installed, and installing them."""
