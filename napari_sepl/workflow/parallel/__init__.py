"""Many samples over processes or a cluster, and their files on the disk."""
