"""A token on a bus: one loop, no threads. The bus is the kernel's virtual one, or USB/IP on a port of this computer.

The loop looks at its sockets between any two steps of the firmware, so that a transfer can be taken back at any time.
"""

from __future__ import annotations

import logging
import selectors
import socket
from collections.abc import Callable
from contextlib import suppress

from coldshare_sim.connection import READ_SIZE, Connection
from coldshare_sim.control import Control
from coldshare_sim.controllers import Controllers
from coldshare_sim.faults import UnpluggedError
from coldshare_sim.listen import Listener
from coldshare_sim.panel import Panel
from coldshare_sim.token import SLICE, SoftToken
from coldshare_sim.usb import usbip
from coldshare_sim.usb.descriptors import Speed
from coldshare_sim.usb.gadget import Gadget
from coldshare_sim.usb.usbip import Port, UsbIpError
from coldshare_sim.usb.vhci import Slot

log = logging.getLogger(__name__)

CLIENTS_MAX = 8
# A screen may give way to the idle one without anybody doing anything.
_IDLE = 0.25
#: So many answers in a row, as long as each is fetched at once, before the sockets are looked at again.
_BURST = 16


class _Client(Connection):
    """Who speaks USB/IP to us: a kernel, or a program that asks for the list of devices."""

    def __init__(self, sock: socket.socket, port: Port, *, imported: bool = False) -> None:
        super().__init__(sock)
        self.usb = usbip.Connection(port, imported=imported)
        self.out = self.usb.out


class Bus:
    """`run` keeps the token on the bus until `stop`, which any thread and any signal handler may call.

    With `attach` it goes into a virtual bus, and is pulled out of it at the end; with `listener` kernels fetch it from
    there. `on_ready` is called once: when it has been configured for the first time, or when it can be fetched.
    """

    def __init__(
        self,
        token: SoftToken,
        speed: Speed,
        panel: Panel,
        *,
        attach: Callable[[Speed], Slot] | None = None,
        listener: Listener | None = None,
        controls: Listener | None = None,
        on_ready: Callable[[Bus], None] = lambda bus: None,
    ) -> None:
        self._token = token
        self._speed = speed
        self._panel = panel
        self._attach = attach
        self._listener = listener
        self._on_ready: Callable[[Bus], None] | None = on_ready
        self._port = Port()
        self._gadget: Gadget | None = None
        self._slot: Slot | None = None
        self._clients: list[_Client] = []
        self._powered = True
        self._stopped = False
        self._waker, self._woken = socket.socketpair()
        for end in (self._waker, self._woken):
            end.setblocking(False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._woken, selectors.EVENT_READ)
        if listener is not None:
            self._selector.register(listener.sock, selectors.EVENT_READ)
        control = Control(panel, token.chip, self.power_cycle, self._imports, self)
        self._controllers = Controllers(self._selector, controls, control, self._advance)
        panel.on_screen = self._controllers.on_screen

    @property
    def address(self) -> str | None:
        """What a host uses to get to the token over HID; None while it is unplugged."""
        return None if self._gadget is None else f"hid:{self._gadget.serial}"

    @property
    def slot(self) -> int | None:
        """The port of the virtual bus."""
        return None if self._slot is None else self._slot.port

    @property
    def plugged(self) -> bool:
        return self._gadget is not None

    def stop(self) -> None:
        self._stopped = True
        with suppress(OSError):
            self._waker.send(b"\0")

    def run(self) -> None:
        """Raises what makes it impossible to go on, such as a full disk."""
        try:
            while not self._stopped:
                self._turn()
        finally:
            self.close()

    def close(self) -> None:
        """Off the bus, and everybody is let go."""
        self._leave()
        for client in self._clients:
            client.flush()
            client.sock.close()
        self._clients.clear()
        self._controllers.close()
        self._selector.close()
        if self._listener is not None:
            self._listener.close()
        self._waker.close()
        self._woken.close()

    # --- the cable
    def plug(self) -> None:
        """Power it up and put it onto the bus. Raises the classes of `usb.errors`."""
        while not self._powered:
            try:
                self._token.power_cycle()
                self._powered = True
            except UnpluggedError:
                continue  # power was cut again while it started; each fault happens once
        try:
            self._enter()
        except BaseException:
            self.unplug()
            raise

    def unplug(self) -> None:
        """Pull it out: no power and no bus."""
        self._leave()
        self._powered = False
        self._panel.dark()

    def power_cycle(self) -> None:
        """Pull it out and put it back in at once."""
        self._controllers.tell({"event": "power"})
        self.unplug()
        self.plug()

    def _enter(self) -> None:
        gadget = Gadget(self._token, self._speed)
        self._port.device = gadget
        if self._attach is not None:
            try:
                self._slot = self._attach(self._speed)
            except BaseException:
                self._port.device = None
                raise
            self._welcome(self._slot.sock, imported=True)
        self._gadget = gadget
        self._controllers.tell({"event": "plug", "at": self.address})

    def _leave(self) -> None:
        if self._gadget is None:
            return
        self._gadget = self._port.device = None
        if self._slot is not None:
            self._slot.detach()
            self._slot = None
        for client in tuple(self._clients):
            if client.usb.imported:
                self._drop(client)
        self._controllers.tell({"event": "unplug"})

    # --- the loop
    def _turn(self) -> None:
        for key, events in self._selector.select(self._patience()):
            if key.fileobj is self._woken:
                with suppress(BlockingIOError):
                    self._woken.recv(READ_SIZE)
            elif self._listener is not None and key.fileobj is self._listener.sock:
                sock = self._listener.accept()
                if sock is not None:
                    self._welcome(sock)
            elif self._controllers.concerns(key):
                self._controllers.attend(key, events)
            elif isinstance(key.data, _Client) and key.data in self._clients:
                self._attend(key.data, events)
        self._advance()
        self._report()

    def _patience(self) -> float:
        gadget = self._gadget
        if gadget is None:
            return _IDLE
        if gadget.busy:
            return 0
        return SLICE if gadget.waiting else _IDLE

    def _advance(self) -> None:
        """One step of the firmware; more of them only while everything that it says is fetched at once."""
        gadget = self._gadget
        if gadget is None:
            return
        try:
            self._pump()  # what somebody waits for is not left behind, however long we did not come to it
            for _ in range(_BURST):
                gadget.step()
                if not self._pump():
                    break
            if gadget.renamed:
                self._leave()
                self._enter()
        except UnpluggedError:
            self.unplug()

    def _pump(self) -> bool:
        importer = self._port.importer
        if importer is None or not importer.pump():
            return False
        for client in tuple(self._clients):
            if client.usb is importer:
                self._flush(client)
        return True

    def _report(self) -> None:
        gadget = self._gadget
        if self._on_ready is not None and gadget is not None and (self._listener is not None or gadget.configured):
            on_ready, self._on_ready = self._on_ready, None
            on_ready(self)

    # --- who speaks USB/IP
    def _imports(self) -> int:
        return int(self._port.importer is not None)

    def _welcome(self, sock: socket.socket, *, imported: bool = False) -> None:
        if len(self._clients) >= CLIENTS_MAX and not imported:
            sock.close()
            return
        client = _Client(sock, self._port, imported=imported)
        self._clients.append(client)
        self._selector.register(sock, selectors.EVENT_READ, client)

    def _attend(self, client: _Client, events: int) -> None:
        if events & selectors.EVENT_READ:
            data = client.receive()
            if data == b"":
                self._lose(client)
                return
            try:
                client.usb.receive(data or b"")
            except UsbIpError as error:
                log.warning("A connection to the token on the bus has ended: %s.", error)
                self._lose(client)
                return
            except UnpluggedError:
                self.unplug()
        self._flush(client)

    def _lose(self, client: _Client) -> None:
        """It is gone; if it was the kernel of the virtual bus, somebody has detached the token there."""
        kernel = self._slot is not None and client.usb.imported
        self._drop(client)
        if kernel:
            self.unplug()

    def _flush(self, client: _Client) -> None:
        if client not in self._clients:
            return
        if not client.attend(self._selector):
            self._lose(client)
        elif client.usb.ended and not client.out:
            self._drop(client)

    def _drop(self, client: _Client) -> None:
        self._clients.remove(client)
        client.usb.close()
        client.close(self._selector)
