"""The coldshare firmware on a Raspberry Pi Pico or Pico 2 that runs the official MicroPython image."""
