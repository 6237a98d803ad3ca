"""Serves one software token to other processes: one loop, no threads, nothing that a client does or omits stops it.

Reports reach every client, as every program that has a HID token open sees all of them. A client that leaves takes its
channels along: what it began is dropped, as if its cable were pulled. A token that a fault pulls out is plugged in
again at once, and every client has lost it.
"""

from __future__ import annotations

import json
import selectors
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Thread
from typing import Any

from coldshare_iface import stream, wire
from coldshare_iface.stream import Frames, Hello, StreamError
from coldshare_sim import control
from coldshare_sim.control import Control, GarbageError
from coldshare_sim.errors import DamagedTokenError
from coldshare_sim.faults import UnpluggedError
from coldshare_sim.listen import Listener
from coldshare_sim.panel import Panel, Screen
from coldshare_sim.token import SLICE, SoftToken

CLIENTS_MAX = 16
CONTROLS_MAX = 8
#: A client that lets this much lie unread is let go; the others do not wait for it.
UNREAD_MAX = 256 * 1024
# A screen may give way to the idle one without anybody doing anything.
_IDLE = 0.25
_READ_SIZE = 65536
_CHANNELS_MAX = 64
_ORPHANS_MAX = 1024
_INIT = wire.CMD_INIT | 0x80
_ERROR = wire.CMD_ERROR | 0x80


class _Connection:
    """One connection, and what is still to be sent to it."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.out = bytearray()

    def flush(self) -> bool:
        """False once the connection is of no use."""
        try:
            while self.out:
                del self.out[: self.sock.send(self.out)]
        except (BlockingIOError, InterruptedError):
            return len(self.out) <= UNREAD_MAX
        except OSError:
            return False
        return True

    def receive(self) -> bytes | None:
        """None when there is nothing now, b"" when there will be nothing any more."""
        try:
            return self.sock.recv(_READ_SIZE)
        except (BlockingIOError, InterruptedError):
            return None
        except OSError:
            return b""


class _Client(_Connection):
    def __init__(self, sock: socket.socket, report_size: int) -> None:
        super().__init__(sock)
        self.frames = Frames(report_size, report_size)
        self.channels: dict[bytes, None] = {}

    def uses(self, cid: bytes) -> None:
        if cid != wire.CID_BROADCAST and cid not in self.channels:
            if len(self.channels) >= _CHANNELS_MAX:
                del self.channels[next(iter(self.channels))]
            self.channels[cid] = None


class _Controller(_Connection):
    def __init__(self, sock: socket.socket) -> None:
        super().__init__(sock)
        self.held = bytearray()
        self.listens = False

    def say(self, answer: dict[str, Any]) -> None:
        self.out += json.dumps(answer, ensure_ascii=False).encode() + b"\n"


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
        self._controls = controls
        self._user = user
        self._clients: list[_Client] = []
        self._controllers: list[_Controller] = []
        self._orphans: dict[bytes, None] = {}
        self._stopped = False
        self._control = Control(panel, token.chip, self._power_cycle, lambda: len(self._clients))
        panel.on_screen = self._on_screen
        self._waker, self._woken = socket.socketpair()
        for end in (self._waker, self._woken):
            end.setblocking(False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._woken, selectors.EVENT_READ)
        self._selector.register(listener.sock, selectors.EVENT_READ)
        if controls is not None:
            self._selector.register(controls.sock, selectors.EVENT_READ)

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
        for connection in [*self._clients, *self._controllers]:
            connection.flush()
            connection.sock.close()
        self._clients.clear()
        self._controllers.clear()
        self._selector.close()
        for listener in (self._listener, self._controls):
            if listener is not None:
                listener.close()
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
                    self._woken.recv(_READ_SIZE)
            elif key.fileobj is self._listener.sock:
                self._welcome()
            elif self._controls is not None and key.fileobj is self._controls.sock:
                self._welcome_controller(self._controls)
            elif events & selectors.EVENT_WRITE:
                self._flush(key.data)
            elif key.data in self._clients:
                self._hear(key.data)
            elif key.data in self._controllers:
                self._obey(key.data)
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
        self._forget(client)
        for cid in list(client.channels)[: _ORPHANS_MAX - len(self._orphans)]:
            if not any(cid in other.channels for other in self._clients):
                self._orphans[cid] = None

    def _adopt(self) -> None:
        """A fresh start for the channels of those who left: no half message and no question of theirs stays."""
        for cid in tuple(self._orphans):
            head = cid + bytes((_INIT, 0, wire.INIT_NONCE))
            self._feed(head + bytes(self._token.report_size - len(head)))

    # --- controllers
    def _welcome_controller(self, controls: Listener) -> None:
        sock = controls.accept()
        if sock is None:
            return
        if len(self._controllers) >= CONTROLS_MAX:
            sock.close()
            return
        controller = _Controller(sock)
        self._controllers.append(controller)
        self._selector.register(sock, selectors.EVENT_READ, controller)

    def _obey(self, controller: _Controller) -> None:
        data = controller.receive()
        if data is None:
            return
        controller.held += data
        while (end := controller.held.find(b"\n")) >= 0 and data:
            line = bytes(controller.held[:end])
            del controller.held[: end + 1]
            try:
                if len(line) > control.LINE_MAX:
                    raise GarbageError
                self._speak()
                answer = self._control.answer(line)
            except GarbageError:
                data = b""
                break
            controller.say(answer)
            if answer["ok"] and answer["do"] == "events":
                controller.listens = True
        if not data or len(controller.held) > control.LINE_MAX:
            controller.flush()
            self._drop_controller(controller)
        else:
            self._flush(controller)

    def _drop_controller(self, controller: _Controller) -> None:
        self._controllers.remove(controller)
        self._forget(controller)

    def _on_screen(self, screen: Screen) -> None:
        self._tell({"event": "screen", **control.seen(screen)})

    def _tell(self, event: dict[str, Any]) -> None:
        for controller in tuple(self._controllers):
            if controller.listens:
                controller.say(event)
                self._flush(controller)

    def _power_cycle(self) -> None:
        for client in tuple(self._clients):
            self._clients.remove(client)
            self._forget(client)
        self._orphans.clear()
        self._tell({"event": "power"})
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

    # --- connections
    def _flush(self, connection: _Connection) -> None:
        if connection not in self._clients and connection not in self._controllers:
            return  # let go in the meantime
        if not connection.flush():
            if isinstance(connection, _Client):
                self._drop(connection)
            elif isinstance(connection, _Controller):
                self._drop_controller(connection)
            return
        wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if connection.out else 0)
        if self._selector.get_key(connection.sock).events != wanted:
            self._selector.modify(connection.sock, wanted, connection)

    def _forget(self, connection: _Connection) -> None:
        self._selector.unregister(connection.sock)
        connection.sock.close()
