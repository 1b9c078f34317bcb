"""splatwm: the splat world model's package (its rooms are built on the Scene that scan2sim writes)."""
