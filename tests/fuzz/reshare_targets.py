"""Reports on a reshare: as a file or a mail brings them, and as a computer whose key was compared could sign them."""

from __future__ import annotations

from functools import cache

from coldshare.ledger.queries import Reshare
from coldshare.reshare.errors import ReportError, ReportForgedError
from coldshare.reshare.joining import OBJECTIONS, join, sound
from coldshare.reshare.report import Signed, encode, read, text
from coldshare_iface import codec
from coldshare_iface.text import unshowable
from reshare.story import identity, plan_of, reports, two

_CONTEXT = b"coldshare reshare report 1\0"


@cache
def _true() -> tuple[Reshare, list[Signed]]:
    old, new = two()
    return plan_of(old, new), reports(new, old.generation)


def report_file(data: bytes) -> None:
    """Either it is one report, which has one form of bytes and one of text, or it is refused in words."""
    try:
        signed = read(data)
    except (ReportError, ReportForgedError) as error:
        assert error.message
        assert error.next_step
        return
    assert read(signed.data) == read(encode(signed)) == signed
    assert data == signed.data or read(text(signed).encode()).data == signed.data
    _judged(signed)


def report(data: bytes) -> None:
    """What is signed is read as strictly as what is not; and whatever it says, it is judged beside the true ones."""
    key = identity(0)
    try:
        enclosed = codec.encode({0: 1, 1: data, 2: key.public, 3: key.sign(_CONTEXT + data)})
        signed = read(enclosed)
    except (ReportError, codec.CodecError):
        return
    assert signed.data == enclosed
    assert signed.public_key == key.public
    _judged(signed)


def _judged(signed: Signed) -> None:
    plan, (first, *others) = _true()
    told = signed.report
    assert not any(unshowable(ord(char)) for name in (told.host_name, told.party, *told.signers) for char in name)
    alone, beside = join(plan, [signed]), join(plan, [signed, *others])
    assert join(plan, [*others, signed]) == beside
    assert {one.code for joined in (alone, beside) for one in joined.objections} <= OBJECTIONS.keys()
    assert not alone.complete
    if beside.complete:
        # Then it says all that the true one says, but what is nobody's to check.
        true, share = first.report, told.share
        assert sound(told) is None
        assert told.kept
        assert (share.vault, share.party, share.generation, share.threshold, share.parties) == (
            true.share.vault,
            true.share.party,
            true.share.generation,
            true.share.threshold,
            true.share.parties,
        )
        assert (told.older, told.signers, told.chain_code_digest) == (true.older, true.signers, true.chain_code_digest)
        assert (told.public_key_eddsa, told.public_share_eddsa) == (true.public_key_eddsa, true.public_share_eddsa)
        assert (told.points_ecdsa, told.public_shares_ecdsa) == (true.points_ecdsa, true.public_shares_ecdsa)
