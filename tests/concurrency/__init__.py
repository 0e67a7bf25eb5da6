"""Many clients on few keys, through both protocols at once."""
