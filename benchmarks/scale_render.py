"""Blender's half of scale_captures.py: renders one capture from its spec.json (run with a bpy 4.5 interpreter).

usage: python scale_render.py CAPTURE_FOLDER [THREADS]

Everything that lies on the table is in the world frame (metres, z = the table's normal, table top at z = 0); the room
around it and the cameras' "up" are tilted instead, so that a tilted table is one whose normal is not up.  Pictures are
pinhole pictures; scale_captures.py gives them a lens, shake and exposure.
"""

import json
import math
import os
import sys
from pathlib import Path

import bpy
import numpy as np
from mathutils import Matrix, Vector

folder = Path(sys.argv[1])
spec = json.loads((folder / "spec.json").read_text())
rng = np.random.default_rng(spec["seed"])
up = Vector(spec["up"]).normalized()
level = Vector((0, 0, 1)).rotation_difference(up).to_matrix().to_4x4()  # world from room

bpy.ops.wm.read_factory_settings(use_empty=True)
scene = bpy.context.scene
scene.render.engine = "CYCLES"
scene.cycles.device = "CPU"
scene.cycles.samples = spec["samples"]
scene.cycles.use_denoising = False  # five seconds a picture; the grain that stays is that of a phone
scene.cycles.max_bounces = 1
scene.render.threads_mode = "FIXED"
scene.render.threads = int(sys.argv[2]) if len(sys.argv) > 2 else 2
scene.render.use_persistent_data = True
width, height = spec["render_size"]
scene.render.resolution_x, scene.render.resolution_y, scene.render.resolution_percentage = width, height, 100
scene.render.image_settings.file_format = "PNG"
scene.view_settings.view_transform = "Standard"


def material(name, roughness):
    """A principled material with its nodes and links."""
    made = bpy.data.materials.new(name)
    made.use_nodes = True
    shader = made.node_tree.nodes["Principled BSDF"]
    shader.inputs["Roughness"].default_value = roughness
    return made, made.node_tree.nodes, made.node_tree.links, shader


def noisy(name, scale, stretch, colors, roughness, coordinates="Object"):
    """A two-coloured noise, which features are found on."""
    made, nodes, links, shader = material(name, roughness)
    where, mapping = nodes.new("ShaderNodeTexCoord"), nodes.new("ShaderNodeMapping")
    noise, ramp = nodes.new("ShaderNodeTexNoise"), nodes.new("ShaderNodeValToRGB")
    links.new(where.outputs[coordinates], mapping.inputs["Vector"])
    links.new(mapping.outputs["Vector"], noise.inputs["Vector"])
    links.new(noise.outputs["Fac"], ramp.inputs["Fac"])
    links.new(ramp.outputs["Color"], shader.inputs["Base Color"])
    mapping.inputs["Scale"].default_value = stretch
    noise.inputs["Scale"].default_value, noise.inputs["Detail"].default_value = scale, 5
    for element, position, color in zip(ramp.color_ramp.elements, (0.35, 0.65), colors, strict=True):
        element.position, element.color = position, (*color, 1)
    return made


TABLES = {
    "wood": (3.0, (60, 6, 6), ((0.10, 0.045, 0.02), (0.45, 0.25, 0.12)), 0.45),
    "cloth": (220.0, (1, 1, 1), ((0.08, 0.12, 0.25), (0.35, 0.38, 0.46)), 0.9),
    "stone": (45.0, (1, 1, 1), ((0.18, 0.16, 0.15), (0.6, 0.57, 0.53)), 0.4),
}
bpy.ops.mesh.primitive_cube_add(size=1, location=(0, 0, -0.02))
table = bpy.context.object
table.scale = (1.2, 0.9, 0.04)
bpy.ops.object.transform_apply(location=False, rotation=False, scale=True)
table.data.materials.append(noisy("table", *TABLES[spec["table"]]))
for i, (place, turn) in enumerate(
    [
        ((0, 0, -0.75), (0, 0, 0)),
        ((0, 2.5, 0.5), (math.pi / 2, 0, 0)),
        ((-2.5, 0, 0.5), (0, math.pi / 2, 0)),
        ((2.5, 0, 0.5), (0, -math.pi / 2, 0)),
        ((0, -2.5, 0.5), (-math.pi / 2, 0, 0)),
    ]
):
    bpy.ops.mesh.primitive_plane_add(size=8, location=place, rotation=turn)
    wall = bpy.context.object
    wall.matrix_world = level @ wall.matrix_world
    wall.data.materials.append(
        noisy(f"wall{i}", 9 + i, (1, 1, 1), (rng.uniform(0.2, 0.5, 3), rng.uniform(0.5, 0.9, 3)), 1)
    )

for i, thing in enumerate(spec["things"]):
    add = {
        "box": lambda: bpy.ops.mesh.primitive_cube_add(size=1),
        "can": lambda: bpy.ops.mesh.primitive_cylinder_add(radius=0.5, depth=1, vertices=48),
        "ball": lambda: bpy.ops.mesh.primitive_uv_sphere_add(radius=0.5, segments=48, ring_count=24),
    }[thing["shape"]]
    add()
    body = bpy.context.object
    body.scale = thing["size"]
    body.rotation_euler = (0, 0, thing["yaw"])
    body.location = (*thing["xy"], thing["size"][2] / 2)
    colors = (rng.uniform(0.05, 0.4, 3), rng.uniform(0.3, 0.9, 3))
    body.data.materials.append(noisy(f"thing{i}", rng.uniform(4, 9), (1, 1, 1), colors, 0.5))


def outline(size, radius):
    """Corners of a rectangle with rounded corners, counter-clockwise."""
    x, y = size[0] / 2 - radius, size[1] / 2 - radius
    if radius == 0:
        return [(x, y), (-x, y), (-x, -y), (x, -y)]
    quarter = np.linspace(0, math.pi / 2, 9)
    centres = [(x, y, 0), (-x, y, 1), (-x, -y, 2), (x, -y, 3)]
    return [
        (cx + radius * math.cos(a + k * math.pi / 2), cy + radius * math.sin(a + k * math.pi / 2))
        for cx, cy, k in centres
        for a in quarter
    ]


for print_ in spec["prints"]:
    corners = outline(print_["size"], print_["radius"])
    mesh = bpy.data.meshes.new(print_["name"])
    count = len(corners)
    sides = [[k, k + count, (k + 1) % count + count, (k + 1) % count] for k in range(count)]  # down to the table
    below = -print_["z"] + 0.00005
    mesh.from_pydata([(x, y, z) for z in (0, below) for x, y in corners], [], [list(range(count)), *sides])
    uv = mesh.uv_layers.new()
    for loop in mesh.loops:
        x, y, _ = mesh.vertices[loop.vertex_index].co
        uv.data[loop.index].uv = (0.999 * x / print_["size"][0] + 0.5, 0.999 * y / print_["size"][1] + 0.5)
    paper = bpy.data.objects.new(print_["name"], mesh)
    scene.collection.objects.link(paper)
    paper.location, paper.rotation_euler = (*print_["xy"], print_["z"]), (0, 0, print_["yaw"])
    made, nodes, links, shader = material(print_["name"], print_["roughness"])
    texture = nodes.new("ShaderNodeTexImage")
    texture.image = bpy.data.images.load(str(folder / print_["texture"]))
    links.new(texture.outputs["Color"], shader.inputs["Base Color"])
    mesh.materials.append(made)


def lamp(place, energy, size, color):
    """An area light that looks at the table."""
    data = bpy.data.lights.new("lamp", "AREA")
    data.energy, data.size, data.color = energy, size, color
    lit = bpy.data.objects.new("lamp", data)
    scene.collection.objects.link(lit)
    lit.location = place
    lit.rotation_euler = (-Vector(place)).to_track_quat("-Z", "Y").to_euler()


lamp((1.2, -1.0, 1.9), 40, 0.9, (1, 0.95, 0.88))
lamp((-1.4, 0.9, 1.7), 25, 1.2, (0.9, 0.95, 1))
world = bpy.data.worlds.new("world")
scene.world = world
world.use_nodes = True
world.node_tree.nodes["Background"].inputs[0].default_value = (0.55, 0.6, 0.7, 1)
world.node_tree.nodes["Background"].inputs[1].default_value = 0.35

data = bpy.data.cameras.new("camera")
camera = bpy.data.objects.new("camera", data)
scene.collection.objects.link(camera)
scene.camera = camera
data.sensor_fit = "HORIZONTAL"
data.angle = 2 * math.atan(width / 2 / spec["focal"])
data.clip_start = 0.01
truth = []
(folder / "pinhole").mkdir(exist_ok=True)
for i, view in enumerate(spec["views"]):
    eye, aim = Vector(view["eye"]), Vector(view["aim"])
    z = (eye - aim).normalized()
    x = up.cross(z).normalized()
    pose = Matrix((x, z.cross(x), z)).transposed().to_4x4()
    pose = pose @ Matrix.Rotation(view["roll"], 4, "Z")
    pose.translation = eye
    camera.matrix_world = pose
    bpy.context.view_layer.update()
    truth.append((np.array(camera.matrix_world) @ np.diag([1, -1, -1, 1])).tolist())
    scene.render.filepath = str(folder / "pinhole" / f"{i:03d}.png")
    if not os.path.exists(scene.render.filepath):
        bpy.ops.render.render(write_still=True)
(folder / "poses.json").write_text(json.dumps(truth))
