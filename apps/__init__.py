"""Programs with a face, installed as ``scan2sim_apps`` and found through the entry-point group ``scan2sim.apps``.

- ``viewer``: look around in a scene in the browser and move its objects (``scan2sim view``)
- ``nodes``: what the viewer shows in 3D
- ``panel``: the viewer's panel of switches and properties
"""
