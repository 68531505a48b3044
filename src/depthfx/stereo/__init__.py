"""Pictures for two eyes, or more."""
