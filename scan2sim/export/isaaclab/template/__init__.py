"""What the exported Isaac Lab package is made of; its files are copied as they are, and read the scene from its data.

`push_task` and `gripper_task` need torch alone, so that they can be held against the tasks of `scan2sim.sim`, and so do
`task_batch`, `pictures` and `panda`; all else needs Isaac Lab.
"""
