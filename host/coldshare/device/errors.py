"""What can go wrong between here and a token. What the token itself refuses is in `coldshare_iface.errors`."""

from __future__ import annotations

from coldshare.errors import EXIT_DEVICE, ColdshareError, InputError, IntegrityError, RefusedError, SecretError
from coldshare_iface.errors import ProtocolError


class DeviceError(ColdshareError):
    """The token cannot be reached."""

    code = "device"
    exit_status = EXIT_DEVICE


class AddressError(ColdshareError):
    """That is not the address of a token."""

    code = "bad_address"
    exit_status = 2
    next_step = (
        "Give an address with --at or in COLDSHARE_AT: one that coldshare tokens lists, or sim:PATH for a software "
        "token in a file."
    )


class NoAddressError(AddressError):
    """No token was named."""

    code = "no_address"


class SeveralTokensError(AddressError):
    """Several tokens are plugged in, and none was named."""

    code = "several_tokens"
    next_step = "Name one with --at or in COLDSHARE_AT, or leave only that one plugged in."


class TransportUnavailableError(DeviceError):
    """This version of coldshare cannot reach tokens at that kind of address yet."""

    code = "no_transport"
    next_step = "Use a hid:, usb: or sim: address."


class LibraryMissingError(DeviceError):
    """A library that reaches USB devices is missing, or cannot be loaded."""

    code = "usb_library_missing"
    next_step = (
        "Install coldshare anew, with the libraries that it names: pip install --force-reinstall 'coldshare[usb]'"
    )


class LibraryShadowedError(DeviceError):
    """Another package has the name of the library that reaches HID devices."""

    code = "usb_library_shadowed"
    next_step = (
        "Remove the other one and install hidapi anew: pip uninstall hid && pip install --force-reinstall hidapi"
    )


class NotPluggedInError(DeviceError):
    """No token with that serial is plugged in."""

    code = "not_plugged_in"
    next_step = "Plug it in. To see which ones are: coldshare tokens"


class SameSerialError(DeviceError):
    """Two devices have that serial, so it does not say which one is meant."""

    code = "same_serial"
    next_step = "Unplug all but one. A serial of zeros is that of any token that has lost its keys."


class UnfitDeviceError(DeviceError):
    """The device at that address is not laid out as a token."""

    code = "unfit_device"
    next_step = "Update the token's firmware, or use the other way to it: coldshare tokens lists them."


class NoPermissionError(DeviceError):
    """Your account may not use the token."""

    code = "no_permission"
    next_step = "Let the accounts at this computer use tokens: coldshare udev install"


class TokenInUseError(DeviceError):
    """Another program uses the token."""

    code = "token_in_use"
    next_step = "Wait until it has finished, or end it, and run the command again."


class TokenGoneError(DeviceError):
    """The token is gone."""

    code = "token_gone"
    next_step = "Plug it in again and run the command again; nothing was left half-done."


class CarrierError(DeviceError):
    """USB does not carry what is sent to the token or what it answers."""

    code = "carrier_failed"
    next_step = "Unplug the token, plug it in again without a hub, and run the command again."


class TokenTimeoutError(DeviceError):
    """The token does not answer."""

    code = "token_timeout"
    next_step = "Unplug it, plug it in again and run the command again."


class TokenChannelBusyError(DeviceError):
    """Another program is talking to this token."""

    code = "channel_busy"
    next_step = "Wait until it has finished and try again."


class FrameProtocolError(ProtocolError):
    """The token broke the framing rules."""

    code = "bad_frame"


class SessionLostError(DeviceError):
    """The token closed the secure channel: it was unplugged, or another program has talked to it."""

    code = "session_lost"
    next_step = "Make sure that no other program uses the token, and run the command again."


class VersionError(ProtocolError):
    """This token and this version of coldshare have no protocol version in common."""

    code = "no_common_version"
    next_step = "Update coldshare, or the token's firmware, whichever is older."


class CapabilityError(ProtocolError):
    """This token cannot do what is needed."""

    code = "missing_capability"
    next_step = "Update the token's firmware, or use another token."


class SamePinError(SecretError):
    """The new PIN is the old one."""

    code = "same_pin"
    next_step = "Nothing was changed. Choose another one."


class NoSuchPairingError(InputError):
    """The token knows no such computer."""

    code = "no_such_pairing"
    next_step = "See which computers it knows: coldshare pairings"


class SessionRefusedError(RefusedError):
    """The token does not accept this computer's pairing: it has forgotten it, or it is not the token it says it is."""

    code = "session_refused"
    next_step = "If you are sure that it is your token, pair again: coldshare pair"


class NotPairedError(RefusedError):
    """This computer is not paired with this token."""

    code = "not_paired"
    next_step = "Introduce it: coldshare pair. For a token that is still new: coldshare init --label NAME"


class CodeRejectedError(RefusedError):
    """The comparison code was not accepted, so nothing was paired."""

    code = "code_rejected"
    next_step = "If the two codes differed, somebody may be between this computer and the token: do not use this cable."


class OtherTokenError(RefusedError):
    """This device has the serial of a token that this computer knows, and not its keys: it is another device."""

    code = "other_token"
    next_step = (
        "Do not give it your PIN: somebody may have put it in your token's place. Look for your own token. This one "
        "can be used as a new token after: coldshare wipe"
    )


class WrongTokenError(IntegrityError):
    """The token sent bytes that are not the ones it announced."""

    code = "token_lied"
    next_step = "Do not rely on this token. Verify another backup of this share now."


class RolledBackError(IntegrityError):
    """This token was put back to an earlier state since this computer saw it last, or its record was tampered with."""

    code = "token_rolled_back"
    next_step = (
        "Ask whoever had it since. What it holds may be stale: compare its generations with those of the vault's other "
        "parties before you rely on it. If you put an old image back yourself, or want to use it all the same, let "
        "this computer begin anew with it: coldshare pair"
    )
