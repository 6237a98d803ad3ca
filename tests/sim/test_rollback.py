"""A snapshot that is put back, as docs/simulator.md says: the computer that has seen the token since notices."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from coldshare.device.errors import RolledBackError
from coldshare.device.pairings import PairingStore
from coldshare.device.token import TokenClient
from coldshare_sim.testing import FlashProbe


def test_an_earlier_image_is_noticed_unless_the_computer_forgets(
    coldshare_token: TokenClient,
    coldshare_flash: FlashProbe,
    coldshare_store: PairingStore,
    coldshare_make_token: Callable[..., TokenClient],
) -> None:
    earlier = coldshare_flash.image
    coldshare_token.set_label("Other")
    coldshare_make_token(image=coldshare_flash.image).close()
    with pytest.raises(RolledBackError):
        coldshare_make_token(image=earlier, forget=False)
    assert [pairing.seen for pairing in coldshare_store.all()] != [None]
    assert coldshare_make_token(image=earlier).backups() == []


def test_an_image_of_now_goes_on(
    coldshare_token: TokenClient, coldshare_flash: FlashProbe, coldshare_make_token: Callable[..., TokenClient]
) -> None:
    coldshare_token.set_label("Other")
    again = coldshare_make_token(image=coldshare_flash.image, forget=False)
    assert again.history is not None
    assert again.history.known
