"""The survey room: codebooks, reading, cleaning, scales, designs, descriptions, simulation."""
