"""One image under review: what was given, what a person said, what follows from both."""
