"""Who is at the control socket. Part of the loop that has the token; what is said there is in `control`."""

from __future__ import annotations

import json
import selectors
import socket
from collections.abc import Callable, Iterator
from typing import Any

from coldshare_sim import control
from coldshare_sim.connection import Connection
from coldshare_sim.control import Control, GarbageError
from coldshare_sim.listen import Listener
from coldshare_sim.panel import Screen

CONTROLS_MAX = 8


class _Controller(Connection):
    def __init__(self, sock: socket.socket) -> None:
        super().__init__(sock)
        self.held = bytearray()
        self.listens = False

    def say(self, answer: dict[str, Any]) -> None:
        self.out += json.dumps(answer, ensure_ascii=False).encode() + b"\n"


class Controllers:
    """They hear every event that they asked for. `settle` lets the token come to rest before an answer is given."""

    def __init__(
        self,
        selector: selectors.BaseSelector,
        listener: Listener | None,
        control: Control,
        settle: Callable[[], None],
    ) -> None:
        self._selector = selector
        self._listener = listener
        self._control = control
        self._settle = settle
        self._all: list[_Controller] = []
        if listener is not None:
            selector.register(listener.sock, selectors.EVENT_READ)

    def __iter__(self) -> Iterator[_Controller]:
        return iter(self._all)

    def close(self) -> None:
        """At the end: what was said goes out if it can. The selector may be closed already."""
        for controller in self._all:
            controller.flush()
            controller.sock.close()
        self._all.clear()
        if self._listener is not None:
            self._listener.close()

    def concerns(self, key: selectors.SelectorKey) -> bool:
        """Whether `attend` is who knows what to do about that."""
        return isinstance(key.data, _Controller) or (self._listener is not None and key.fileobj is self._listener.sock)

    def attend(self, key: selectors.SelectorKey, events: int) -> None:
        """Something has happened at one of their sockets."""
        if not isinstance(key.data, _Controller):
            self._welcome()
        elif key.data not in self._all:
            return  # let go in the meantime
        elif events & selectors.EVENT_WRITE:
            self._flush(key.data)
        else:
            self._obey(key.data)

    def on_screen(self, screen: Screen) -> None:
        self.tell({"event": "screen", **control.seen(screen)})

    def tell(self, event: dict[str, Any]) -> None:
        for controller in tuple(self._all):
            if controller.listens:
                controller.say(event)
                self._flush(controller)

    def _welcome(self) -> None:
        sock = self._listener.accept() if self._listener is not None else None
        if sock is None:
            return
        if len(self._all) >= CONTROLS_MAX:
            sock.close()
            return
        controller = _Controller(sock)
        self._all.append(controller)
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
                self._settle()
                answer = self._control.answer(line)
            except GarbageError:
                data = b""
                break
            controller.say(answer)
            if answer["ok"] and answer["do"] == "events":
                controller.listens = True
        if not data or len(controller.held) > control.LINE_MAX:
            controller.flush()
            self._drop(controller)
        else:
            self._flush(controller)

    def _flush(self, controller: _Controller) -> None:
        if controller in self._all and not controller.attend(self._selector):
            self._drop(controller)

    def _drop(self, controller: _Controller) -> None:
        self._all.remove(controller)
        controller.close(self._selector)
