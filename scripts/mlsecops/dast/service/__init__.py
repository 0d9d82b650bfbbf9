"""The service under attack: how it is started, kept apart, watched and stopped."""
