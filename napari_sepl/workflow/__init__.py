"""What the command line and the window both do, written once."""
