"""What everybody knows: feeds, mappings, reference rows, working days, texts of numbers."""
