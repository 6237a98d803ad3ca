"""Bodies of events among few names, so that they meet one another."""

from __future__ import annotations

from hypothesis import strategies as st

from coldshare.ledger import events as e
from coldshare.ledger.events import Body, Place, Share
from ledger.samples import NEW, OLD, OTHER_VAULT, SAFE, STICK, VAULT

PLACES = (SAFE, STICK, Place(e.FILE, b"file"))
PARTIES = ("Phone", "Laptop")
GENERATIONS = (OLD, NEW)
IDS = tuple(bytes([number]) * 16 for number in range(4))
HOSTS = tuple(bytes([number]) * 16 for number in range(2))

_place = st.sampled_from(PLACES)
_vault = st.sampled_from((VAULT, OTHER_VAULT))
_party = st.sampled_from(PARTIES)
_generation = st.sampled_from(GENERATIONS)
_id = st.sampled_from(IDS)
_state = st.integers(e.UNCONFIRMED, e.KEYLESS)
_words = st.sampled_from((None, "bank", "home"))
_flag = st.booleans()
_plan = st.sampled_from(IDS[:2])
_names = st.lists(_party, unique=True).map(tuple)
_size = st.integers(0, 2)
share = st.builds(
    Share, _vault, st.sampled_from(("Savings", "Spare")), _party, _generation, st.just(2), st.integers(2, 3), st.just(2)
)
_share = st.none() | share

bodies: st.SearchStrategy[Body] = st.one_of(
    st.builds(e.HostNamed, st.sampled_from(("desk", "lap"))),
    st.builds(e.ShareHandled, share, st.integers(e.BACKED_UP, e.RESTORED)),
    st.builds(e.PlaceNamed, _place, st.sampled_from(("A", "B"))),
    st.builds(e.PlaceDescribed, _place, _words, _words, _words, _words, _words),
    st.builds(e.PlaceReached, _place, st.sampled_from(HOSTS), _flag),
    st.builds(e.PlaceLost, _place),
    st.builds(e.PlaceFound, _place),
    st.builds(e.PlaceWiped, _place, st.none() | st.sampled_from((b"after", SAFE.ident))),
    st.builds(e.BackupStored, _place, _id, _share, _size, _state, st.none() | _flag),
    st.builds(e.BackupState, _place, _id, _share, _size, _state),
    st.builds(e.BackupVerified, _place, _id, _share, _size, _state, st.none() | _flag, _flag),
    st.builds(e.BackupFailed, _place, _id, st.sampled_from(("integrity", "seal_damaged"))),
    st.builds(e.BackupRestored, _place, _id, share, _size),
    st.builds(e.BackupGone, _place, _id, st.integers(e.REMOVED, e.GIVEN_UP)),
    st.builds(e.GenerationNewer, _vault, _generation, _generation),
    st.builds(e.GenerationRetired, _vault, _generation, st.none() | _place),
    st.builds(e.GenerationUnRetired, _vault, _generation, st.none() | _place),
    st.builds(e.DeviceLost, _vault, _party),
    st.builds(e.DeviceFound, _vault, _party),
    st.builds(e.DeviceRestored, _vault, _party, st.sampled_from(("new", "newer")), _generation, _id),
    st.builds(e.VaultExtras, _vault, _generation, _names, _names),
    st.builds(
        e.IdentityCompared, st.sampled_from(HOSTS), st.sampled_from(("desk", "lap")), st.sampled_from(GENERATIONS)
    ),
    st.builds(e.IdentityTakenBack, st.sampled_from(GENERATIONS)),
    st.builds(e.ReshareStarted, _plan, _vault, _generation, _names, _names, st.just(2), st.integers(2, 3)),
    st.builds(e.ReshareReported, _plan, _party, st.sampled_from((b"one", b"two"))),
    st.builds(e.ReshareFinished, _plan, _generation),
    st.builds(e.ReshareAborted, _plan),
    st.builds(e.PlaceBuiltIn, _place, _flag),
    st.builds(
        e.LedgerJoined,
        st.lists(st.builds(e.Head, st.sampled_from(HOSTS), st.integers(0, 60)), max_size=2).map(tuple),
    ),
    st.builds(e.SingleHostAccepted, _vault, _generation),
    st.builds(e.DrillResult, _place, _id, share, _flag, st.none(), st.none(), st.just(bytes(32))),
)
