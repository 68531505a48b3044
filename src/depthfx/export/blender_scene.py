# mypy: ignore-errors
"""Build a photo's layers in Blender 3.6 or later: cards at their depths and the moving camera.

Open this file in Blender's Scripting tab and run it, or: blender -P shot.py
It adds a scene of its own and touches no other. The pictures stand in the folder `layers` beside
this file. Written by depthfx.
"""

from pathlib import Path

import bpy
from mathutils import Matrix, Quaternion, Vector

SHOT = {}


def beside(name):
    """The path of a file of this shot, wherever its folder was moved."""
    text = getattr(bpy.context.space_data, "text", None)  # if run in the Scripting tab
    path = bpy.path.abspath(text.filepath) if text and text.filepath else __file__
    found = Path(path).resolve().parent / name
    if not found.is_file():
        raise FileNotFoundError(f"{found}: is missing; open this script from its own folder")
    return str(found)


def card_material(name, path):
    """Shows its picture as it is, whatever the light, and is clear where the picture is."""
    material = bpy.data.materials.new(name)
    material.use_nodes = True
    nodes, links = material.node_tree.nodes, material.node_tree.links
    nodes.clear()
    picture = nodes.new("ShaderNodeTexImage")
    # An OpenEXR is taken for linear light with premultiplied alpha, which these are.
    picture.image = bpy.data.images.load(path, check_existing=True)
    picture.extension = "EXTEND"
    clear = nodes.new("ShaderNodeBsdfTransparent")
    light = nodes.new("ShaderNodeEmission")
    mix = nodes.new("ShaderNodeMixShader")
    out = nodes.new("ShaderNodeOutputMaterial")
    links.new(picture.outputs["Color"], light.inputs["Color"])
    links.new(picture.outputs["Alpha"], mix.inputs[0])
    links.new(clear.outputs[0], mix.inputs[1])
    links.new(light.outputs[0], mix.inputs[2])
    links.new(mix.outputs[0], out.inputs["Surface"])
    for column, node in enumerate((picture, light, clear, mix, out)):
        node.location = (260 * column, -160 * (node == clear))
    if hasattr(material, "surface_render_method"):  # 4.2 and later
        material.surface_render_method = "BLENDED"
    else:
        material.blend_method = "BLEND"
        material.shadow_method = "NONE"
    return material


def add_card(scene, card):
    mesh = bpy.data.meshes.new(card["name"])
    x, y = card["width"] / 2, card["height"] / 2
    # Upright, facing the camera, which looks along +Y.
    mesh.from_pydata([(-x, 0, -y), (x, 0, -y), (x, 0, y), (-x, 0, y)], [], [(0, 1, 2, 3)])
    corners = mesh.uv_layers.new(name="UVMap").data
    for corner, place in zip(corners, ((0, 0), (1, 0), (1, 1), (0, 1)), strict=True):
        corner.uv = place
    mesh.materials.append(card_material(card["name"], beside(card["file"])))
    thing = bpy.data.objects.new(card["name"], mesh)
    thing.location = card["place"]
    thing["distance_m"] = card["distance_m"]
    scene.collection.objects.link(thing)


def add_camera(scene):
    fly = bpy.data.objects.new("Fly", None)
    fly.empty_display_size = SHOT["pivot"][1] / 10
    fly.location = SHOT["pivot"]
    scene.collection.objects.link(fly)
    lens = bpy.data.cameras.new("Camera")
    lens.sensor_fit = "HORIZONTAL"
    lens.sensor_width, lens.sensor_height = SHOT["sensor_mm"]
    lens.clip_start, lens.clip_end = SHOT["clip_m"]
    camera = bpy.data.objects.new("Camera", lens)
    camera.parent = fly
    camera.matrix_parent_inverse = Matrix.Translation(-Vector(SHOT["pivot"]))
    camera.rotation_mode = "QUATERNION"
    scene.collection.objects.link(camera)
    scene.camera = camera
    for frame, key in enumerate(SHOT["keys"], 1):
        set_key(camera, frame, key)


def set_key(camera, frame, key):
    """Every frame has one: a camera that looks at a point turns along no simple curve."""
    lens = camera.data
    camera.location, camera.rotation_quaternion = key["place"], Quaternion(key["turn"])
    lens.lens, lens.shift_x, lens.shift_y = key["lens_mm"], *key["shift"]
    if "focus_m" in key:
        lens.dof.use_dof = True
        lens.dof.focus_distance, lens.dof.aperture_fstop = key["focus_m"], key["f_number"]
    for thing, paths in ((camera, SHOT["moving"]), (lens, SHOT["moving_lens"])):
        for path in paths:
            thing.keyframe_insert(path, frame=frame)


def set_up(scene):
    render, view = scene.render, scene.view_settings
    render.resolution_x, render.resolution_y = SHOT["size"]
    render.resolution_percentage = 100
    render.fps, render.fps_base = SHOT["fps"]
    scene.frame_start, scene.frame_end = 1, len(SHOT["keys"])
    # Other view transforms change a photo's colours.
    scene.display_settings.display_device = "sRGB"
    view.view_transform, view.look = "Standard", "None"
    view.exposure, view.gamma = 0, 1
    for engine in ("BLENDER_EEVEE", "BLENDER_EEVEE_NEXT"):
        try:
            render.engine = engine
            break
        except TypeError:  # the other name, by version
            continue
    # The usual 1.5 px soften what is as sharp as its pixels, and dither is for what has no grain.
    render.filter_size = 1.0
    render.dither_intensity = 0
    if hasattr(scene, "cycles"):
        scene.cycles.pixel_filter_type = "BOX"
        scene.cycles.transparent_max_bounces = len(SHOT["cards"]) + 8


def build():
    scene = bpy.data.scenes.new(SHOT["name"])
    set_up(scene)
    for card in SHOT["cards"]:
        add_card(scene, card)
    add_camera(scene)
    if bpy.context.window:
        bpy.context.window.scene = scene
    return scene


build()
