"""What the exported Isaac Lab package is made of; its files are copied as they are, and read the scene from its data.

`push_task` needs torch alone, so that it can be held against the tasks of `scan2sim.sim`; all else needs Isaac Lab.
"""
