"""What everything else stands on: errors, files, checks of arguments, progress."""
