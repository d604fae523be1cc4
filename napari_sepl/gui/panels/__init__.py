"""The parts of the dock widget; each shows what it is given and says what was clicked."""
