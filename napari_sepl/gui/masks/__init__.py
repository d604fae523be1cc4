"""Making masks in the window: automatic ones, and ones by prompts."""
