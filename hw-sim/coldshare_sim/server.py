"""Serves one software token to other processes: one loop, no threads, nothing that a client does or omits stops it.

Reports reach every client, as every program that has a HID token open sees all of them. A client that leaves takes its
channels along: what it began is dropped, as if its cable were pulled. A token that a fault pulls out is plugged in
again at once, and every client has lost it.
"""

from __future__ import annotations

import selectors
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Thread

from coldshare_iface import stream, wire
from coldshare_iface.stream import Frames, Hello, StreamError
from coldshare_sim.connection import READ_SIZE, Connection
from coldshare_sim.control import Control
from coldshare_sim.controllers import Controllers
from coldshare_sim.errors import DamagedTokenError
from coldshare_sim.faults import UnpluggedError
from coldshare_sim.listen import Listener
from coldshare_sim.panel import Panel
from coldshare_sim.token import SLICE, SoftToken

CLIENTS_MAX = 16
# A screen may give way to the idle one without anybody doing anything.
_IDLE = 0.25
_CHANNELS_MAX = 64
_ORPHANS_MAX = 1024
_INIT = wire.CMD_INIT | 0x80
_ERROR = wire.CMD_ERROR | 0x80


class _Client(Connection):
    def __init__(self, sock: socket.socket, report_size: int) -> None:
        super().__init__(sock)
        self.frames = Frames(report_size, report_size)
        self.channels: dict[bytes, None] = {}

    def uses(self, cid: bytes) -> None:
        if cid != wire.CID_BROADCAST and cid not in self.channels:
            if len(self.channels) >= _CHANNELS_MAX:
                del self.channels[next(iter(self.channels))]
            self.channels[cid] = None


class Server:
    """`run` serves until `stop`, which any thread and any signal handler may call. `user` is who presses by itself."""

    def __init__(
        self,
        token: SoftToken,
        panel: Panel,
        listener: Listener,
        controls: Listener | None = None,
        user: str | None = None,
    ) -> None:
        self.failure: BaseException | None = None
        self._token = token
        self._panel = panel
        self._listener = listener
        self._user = user
        self._clients: list[_Client] = []
        self._orphans: dict[bytes, None] = {}
        self._stopped = False
        self._waker, self._woken = socket.socketpair()
        for end in (self._waker, self._woken):
            end.setblocking(False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._woken, selectors.EVENT_READ)
        self._selector.register(listener.sock, selectors.EVENT_READ)
        control = Control(panel, token.chip, self._power_cycle, lambda: len(self._clients))
        self._controllers = Controllers(self._selector, controls, control, self._speak)
        panel.on_screen = self._controllers.on_screen

    @property
    def address(self) -> str:
        """What a host uses to get here."""
        return self._listener.address + (f"?user={self._user}" if self._user is not None else "")

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
        if self.failure is not None:
            raise self.failure

    def close(self) -> None:
        for client in self._clients:
            client.flush()
            client.sock.close()
        self._clients.clear()
        self._controllers.close()
        self._selector.close()
        self._listener.close()
        self._waker.close()
        self._woken.close()

    @contextmanager
    def in_background(self) -> Iterator[None]:
        """Serve from another thread of this process. `failure` is what ended it, if that was not us."""

        def run() -> None:
            try:
                self.run()
            except BaseException as error:
                self.failure = error

        thread = Thread(target=run, name="coldshare-sim", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self.stop()
            thread.join()

    # --- the loop
    def _turn(self) -> None:
        for key, events in self._selector.select(self._patience()):
            if key.fileobj is self._woken:
                with suppress(BlockingIOError):
                    self._woken.recv(READ_SIZE)
            elif key.fileobj is self._listener.sock:
                self._welcome()
            elif self._controllers.concerns(key):
                self._controllers.attend(key, events)
            elif events & selectors.EVENT_WRITE:
                self._flush(key.data)
            elif key.data in self._clients:
                self._hear(key.data)
        self._adopt()
        self._speak()

    def _patience(self) -> float:
        if self._token.busy:
            return 0
        return SLICE if self._token.waiting or self._orphans else _IDLE

    def _speak(self) -> None:
        """Everything that the token has to say now, to everybody."""
        said = bytearray()
        pulled = False
        while True:
            try:
                report = self._token.poll()
            except UnpluggedError:
                pulled = True
                break
            if report is None:
                break
            cid = report[:4]
            if cid in self._orphans:
                # Its fresh start is done, or refused for good; busy means that somebody else is in mid-message.
                if report[4] == _INIT or (report[4] == _ERROR and report[7] != wire.ERR_CHANNEL_BUSY):
                    del self._orphans[cid]
                continue
            said += stream.frame(report)
        if said:
            for client in tuple(self._clients):
                client.out += said
                self._flush(client)
        if pulled:
            self._power_cycle()

    def _feed(self, report: bytes) -> None:
        try:
            self._token.write(report)
        except UnpluggedError:
            self._power_cycle()
        self._speak()

    # --- programs
    def _welcome(self) -> None:
        sock = self._listener.accept()
        if sock is None:
            return
        busy = len(self._clients) >= CLIENTS_MAX
        client = _Client(sock, self._token.report_size)
        hello = Hello(self._token.report_size, self._user, "busy" if busy else None)
        client.out += stream.frame(hello.encode())
        if busy:
            client.flush()
            sock.close()
            return
        self._clients.append(client)
        self._selector.register(sock, selectors.EVENT_READ, client)
        self._flush(client)

    def _hear(self, client: _Client) -> None:
        data = client.receive()
        if data is None:
            return
        client.frames.feed(data)
        try:
            while (report := client.frames.next()) is not None:
                client.uses(report[:4])
                self._orphans.pop(report[:4], None)
                self._feed(report)
                if client not in self._clients:  # it does not read, and was let go; or the token was pulled out
                    return
        except StreamError:
            data = b""
        if not data:
            self._drop(client)

    def _drop(self, client: _Client) -> None:
        self._clients.remove(client)
        client.close(self._selector)
        for cid in list(client.channels)[: _ORPHANS_MAX - len(self._orphans)]:
            if not any(cid in other.channels for other in self._clients):
                self._orphans[cid] = None

    def _flush(self, client: _Client) -> None:
        if client in self._clients and not client.attend(self._selector):
            self._drop(client)

    def _adopt(self) -> None:
        """A fresh start for the channels of those who left: no half message and no question of theirs stays."""
        for cid in tuple(self._orphans):
            head = cid + bytes((_INIT, 0, wire.INIT_NONCE))
            self._feed(head + bytes(self._token.report_size - len(head)))

    def _power_cycle(self) -> None:
        for client in tuple(self._clients):
            self._clients.remove(client)
            client.close(self._selector)
        self._orphans.clear()
        self._controllers.tell({"event": "power"})
        try:
            self._plug_in()
        except DamagedTokenError as error:
            self.failure = error
            self.stop()
            raise

    def _plug_in(self) -> None:
        while True:
            try:
                self._token.power_cycle()
            except UnpluggedError:
                continue  # power was cut again while it started; each fault happens once
            return
