"""A software token on a USB bus: descriptors, the device, USB/IP, and the kernel's virtual host controller."""
