"""Configuration files: finding, reading, checking and merging them; nothing here knows a rule or an ecosystem."""
