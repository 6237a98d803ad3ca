"""The commands at a folder instead of a token (`--at folder:PATH`), a module for each."""
