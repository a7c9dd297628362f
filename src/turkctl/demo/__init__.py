"""``turkctl demo``: the whole job in one go, with the very operations and the scheduler that studies use."""
