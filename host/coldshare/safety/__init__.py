"""What a ledger says about the safety of a vault: judgements only. No file, no device and no clock is looked at."""
