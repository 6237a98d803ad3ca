"""Which pin is what: the one place to change for another wiring. Portable subset; no machine access."""

#: Buttons to ground; the board's own resistors pull up.
YES = 14
NO = 15
#: The display, on I2C 0.
SDA = 4
SCL = 5
I2C = 0
I2C_HZ = 400_000
#: The light on the board; MicroPython knows where it is.
LED = "LED"
