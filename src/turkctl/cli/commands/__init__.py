"""One module per command or group, imported when the command is named."""
