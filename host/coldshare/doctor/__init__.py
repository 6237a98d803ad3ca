"""Why a token cannot be used here: every probe is a line with its mend, and none of them can hang or crash the rest."""
