"""What every board that runs MicroPython has: its file system, its ciphers and its clock. Portable subset."""
