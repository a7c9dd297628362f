"""``turkctl demo``: a whole study in one go, with the same operations and scheduler that real studies use."""
