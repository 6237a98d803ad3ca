"""coldshare: back up the shares of a threshold wallet onto hardware tokens, and bring them back."""

__version__ = "0.1.0"
