"""Run by a Python that has bpy: builds a shot and says what Blender makes of it.

Arguments: the folder of shot.py, the frames to look at ("1,5"), a PNG to render the first to, and
the engine for that (or "none").
"""

import json
import runpy
import sys
from pathlib import Path

import bpy
from bpy_extras.object_utils import world_to_camera_view

folder, frames, picture, engine = sys.argv[-4:]
bpy.ops.wm.read_factory_settings(use_empty=True)
before = {scene.name for scene in bpy.data.scenes}
runpy.run_path(str(Path(folder) / "shot.py"), run_name="__main__")
[scene] = [scene for scene in bpy.data.scenes if scene.name not in before]
told = {
    "version": bpy.app.version_string,
    "name": scene.name,
    "size": [scene.render.resolution_x, scene.render.resolution_y],
    "frames": [scene.frame_start, scene.frame_end],
    "fps": scene.render.fps / scene.render.fps_base,
    "view": scene.view_settings.view_transform,
    "parent": scene.camera.parent.name,
    "pictures": {
        i.name: [*i.size, i.alpha_mode, i.colorspace_settings.name] for i in bpy.data.images
    },
    "looks": [],
}
layer = scene.view_layers[0]
for frame in map(int, frames.split(",")):
    scene.frame_set(frame)
    layer.update()
    graph = layer.depsgraph
    camera = scene.camera.evaluated_get(graph)
    places = {}
    for thing in scene.objects:
        if thing.type != "MESH":
            continue
        corners = [
            thing.evaluated_get(graph).matrix_world @ thing.data.vertices[v].co
            for v in (3, 2, 1, 0)
        ]
        shares = [world_to_camera_view(scene, camera, corner) for corner in corners]
        places[thing.name] = [
            [x * scene.render.resolution_x, (1 - y) * scene.render.resolution_y]
            for x, y, _ in shares
        ]
    lens = camera.data
    dof = (
        [lens.dof.focus_distance, lens.dof.aperture_fstop, lens.lens] if lens.dof.use_dof else None
    )
    told["looks"].append({"frame": frame, "places": places, "dof": dof})
if engine != "none":
    scene.frame_set(int(frames.split(",")[0]))
    scene.render.engine = engine
    scene.cycles.samples = 16
    scene.cycles.use_denoising = False
    scene.camera.data.dof.use_dof = False
    scene.render.image_settings.file_format = "PNG"
    scene.render.image_settings.color_mode = "RGB"
    scene.render.filepath = picture
    bpy.ops.render.render(write_still=True, scene=scene.name)
print("TOLD " + json.dumps(told))
