"""What one asks of a model: functions without state, one file each."""
