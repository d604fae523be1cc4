"""Labels in the formats that trainers and other tools read."""
