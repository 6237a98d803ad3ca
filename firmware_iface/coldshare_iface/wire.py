"""Every number of the contract, and nothing else. Portable subset (CPython and MicroPython).

The prose that gives these numbers their meaning is `firmware_iface/README.md`; the CDDL is `protocol.cddl`.
"""

# --- The token on the bus. pid.codes' test id, told apart by the product string until an id of our own exists.
USB_VENDOR = 0x1209
USB_PRODUCT = 0x0001
USB_PRODUCT_STRING = "coldshare token"
HID_USAGE_PAGE = 0xFF00
# The interface for bulk transfers, by its class, subclass and protocol.
USB_BULK_INTERFACE = (0xFF, 0x63, 0x01)

# --- Frames: the CTAPHID layout (FIDO CTAP 2.1, section 11.2.4), so that existing parsers can read them.
REPORT_FS = 64  # bytes per report, full speed
REPORT_HS = 1024  # bytes per report, high speed
MESSAGE_MAX = 7609  # 57 + 128 * 59 bytes, on every carrier
BULK_FRAME_MAX = 7 + MESSAGE_MAX  # on bulk a message is one frame: the header of an initial report, then all of it
CID_BROADCAST = b"\xff\xff\xff\xff"
INIT_NONCE = 8
FRAME_VERSION = 2  # the CTAPHID protocol version, which this layout is

CMD_PING = 0x01
CMD_INIT = 0x06
CMD_CANCEL = 0x11
CMD_KEEPALIVE = 0x3B
CMD_ERROR = 0x3F
# Vendor commands of protocol version 1. A later version takes other numbers, so the command names the version.
CMD_PLAIN = 0x40  # CBOR in the clear: info and identify, nothing else
CMD_PAIR = 0x41  # Noise XX handshake messages
CMD_SESSION = 0x42  # Noise NNpsk0 handshake messages
CMD_RECORD = 0x43  # CBOR in an encrypted record

ERR_INVALID_CMD = 0x01
ERR_INVALID_PAR = 0x02
ERR_INVALID_LEN = 0x03
ERR_INVALID_SEQ = 0x04
ERR_MSG_TIMEOUT = 0x05
ERR_CHANNEL_BUSY = 0x06
ERR_INVALID_CHANNEL = 0x0B
ERR_OTHER = 0x7F
ERR_SESSION = 0xF0  # no open channel, or a handshake or record that does not verify: the channel is closed

KEEPALIVE_PROCESSING = 1
KEEPALIVE_PERSON = 2  # the token waits for a button (CTAPHID calls it UPNEEDED)

# --- Channel
PROTOCOL_VERSION = 1
PSK_ID_SIZE = 8
PSK_SIZE = 32
KEY_SIZE = 32
PAIRINGS_MAX = 8
LABEL_PAIRING = b"coldshare/1 pairing"
LABEL_SESSION = b"coldshare/1 session"
CODE_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"  # RFC 4648 base32
CODE_GROUPS = 4
CODE_GROUP = 5

# --- Messages. Every request is {0: op, ...}, every reply {0: status, ...}.
OP_INFO = 1
OP_IDENTIFY = 2
OP_PAIR_ACCEPT = 3
OP_SET_UP = 4
OP_UNLOCK = 5
OP_LIST = 6
OP_RESERVE = 7
OP_BEGIN = 8
OP_CHUNK = 9
OP_PREPARE = 10
OP_COMMIT = 11
OP_CONFIRM = 12
OP_ABORT = 13
OP_OPEN = 14
OP_READ = 15
OP_LABEL = 16
OP_CHANGE_PIN = 17
OP_PAIRINGS = 18
OP_UNPAIR = 19
OP_REMOVE = 20
OP_WIPE = 21
OP_RESERVE_NEXT = 22
OP_RETIRE = 23
OP_UN_RETIRE = 24
OP_DESTROY = 25
OP_AUDIT = 26

STATUS_OK = 0
STATUS_BAD_REQUEST = 1
STATUS_UNKNOWN_OP = 2
STATUS_NOT_SET_UP = 3
STATUS_ALREADY_SET_UP = 4
STATUS_LOCKED = 5
STATUS_PIN_WRONG = 6  # detail: attempts left
STATUS_PIN_REPLUG = 7  # three wrong PINs since power-up
STATUS_BURNT = 8
STATUS_PIN_FORMAT = 9
STATUS_REJECTED = 10
STATUS_TIMED_OUT = 11
STATUS_CANCELLED = 12
STATUS_PAIRINGS_FULL = 13
STATUS_BAD_DECLARATION = 14
STATUS_OTHER_PARTY = 15
STATUS_OTHER_GENERATION = 16
STATUS_NO_SPACE = 17
STATUS_NOT_FOUND = 18
STATUS_BAD_STATE = 19
STATUS_BAD_OFFSET = 20  # detail: the offset the token expects
STATUS_BAD_DIGEST = 21
STATUS_STORAGE = 22
STATUS_RETIRED = 23

# Capabilities a token may name in `info`. A host ignores those it does not know.
CAP_BACKUP = 1  # reserve, transfer, list, open, read
CAP_SCREEN = 2  # what the person agrees to is readable on the token itself
CAP_MANAGE = 3  # label, change-pin, pairings, unpair, remove, wipe
CAP_GENERATIONS = 4  # reserve-next, retire, un-retire, destroy
CAP_AUDIT = 5  # audit

# What `info` says about the life of a token.
TOKEN_NEW = 0
TOKEN_READY = 1
TOKEN_BURNT = 2

PURPOSE_VERIFY = 1
PURPOSE_RESTORE = 2

UNPAIR_ONE = 1  # forget that host
UNPAIR_OTHERS = 2  # forget every other host

BACKUP_ACTIVE = 1
BACKUP_PENDING = 2
BACKUP_NEXT = 3  # of a newer generation than the ACTIVE one, and read back
BACKUP_RETIRED = 4  # of a generation that a newer one has replaced
BACKUP_KEYLESS = 5  # the token has destroyed its factor for it

# What the audit ring remembers: the event of an entry.
EVENT_SET_UP = 1
EVENT_PAIRED = 2
EVENT_UNPAIRED = 3
EVENT_WRONG_PINS = 4  # detail: how many came before the right one
EVENT_PIN_CHANGED = 5
EVENT_LABELLED = 6
EVENT_STORED = 7
EVENT_CONFIRMED = 8
EVENT_RELEASED = 9  # detail: the purpose
EVENT_REMOVED = 10
EVENT_RETIRED = 11
EVENT_UN_RETIRED = 12
EVENT_DESTROYED = 13
EVENT_BURNT = 14

LIBRARY_GG20 = 1
LIBRARY_DKLS = 2
LIBRARY_KEYIMPORT = 3

# --- Limits
SERIAL_SIZE = 8
BACKUP_ID_SIZE = 16
DIGEST_SIZE = 32
FACTOR_SIZE = 32
GENERATION_SIZE = 32
DECLARATION_NONCE = 16
DECLARATION_MAX = 512  # bytes of CBOR
VAULT_ID_MAX = 64  # bytes
NAME_MAX = 96  # bytes of UTF-8: vault name, party
LABEL_MAX = 32  # bytes of UTF-8: a token's label, a host's name
PIN_MIN = 4
PIN_MAX = 12
PIN_ATTEMPTS = 8
PIN_PER_POWER_UP = 3
BACKUPS_MAX = 16
RETIRED_PER_VAULT = 16  # retired generations that a token remembers of one vault
RETIRED_MAX = 64  # and of all vaults together
AUDIT_MAX = 256  # entries of the audit ring that can be read
AUDIT_ENTRY = 32  # bytes: sequence 4, event 1, detail 3, psk id 8, backup id or psk id 16
AUDIT_PAGE = 32  # entries in one answer to `audit`
BLOB_MAX = 1024 * 1024 + 64 * 1024  # a sealed share: 1 MiB of plaintext and its envelope
LIST_PAGE = 8  # backups per answer
PERSON_TIMEOUT_MS = 60000
HOLD_MS = 2000  # a button that is HELD has been down for as long, in powered time
SETTLE_MS = 400  # a question has been on the screen for so long before a press can be an answer to it
KEEPALIVE_MS = 250
FRAME_TIMEOUT_MS = 500  # between two reports of one message
CBOR_ITEMS = 64
CBOR_DEPTH = 8
