"""The algorithm: arrays in, arrays out. Knows no file, no window, no event."""
