/*
 * Builds a composition from the layers of a photo.
 *
 * In After Effects (CS6 or later): File > Scripts > Run Script File..., choose this file.
 * Keep this file beside its folder of footage; both may be moved together.
 *
 * Made by depthfx. ECMAScript 3, the language of ExtendScript; ASCII only.
 */
(function () {
    var shot = __SHOT__;

    var TRANSFORM = "ADBE Transform Group";
    var POSITION = "ADBE Position";
    var SCALE = "ADBE Scale";
    var ANCHOR = "ADBE Anchor Point"; // of a camera: its point of interest
    var OPTIONS = "ADBE Camera Options Group";
    var DEPTH_OF_FIELD = "ADBE Camera Depth of Field";
    var BLUR_LEVEL = "ADBE Camera Blur Level";
    var CLASSIC_3D = "ADBE Advanced 3d"; // the renderer whose cameras have depth of field
    var THIRD = 100 / 3; // per cent: the ease with which After Effects draws a cubic

    function fileIn(folder, name) {
        return new File(folder.absoluteURI + "/" + encodeURIComponent(shot.folder) + "/" +
            encodeURIComponent(name));
    }

    function fileNames() {
        var names = [], i;
        for (i = 0; i < shot.layers.length; i += 1) {
            names.push(shot.layers[i].file);
        }
        if (shot.depth !== null) {
            names.push(shot.depth.file);
        }
        return names;
    }

    // The first file that is not there, or null.
    function missingIn(folder) {
        var names = fileNames(), file, i;
        for (i = 0; i < names.length; i += 1) {
            file = fileIn(folder, names[i]);
            if (!file.exists) {
                return file;
            }
        }
        return null;
    }

    // The folder this script lies in; null if After Effects does not tell.
    function ownFolder() {
        var tries, i;
        if (!$.fileName) {
            return null;
        }
        // The path is told as it is or in the codes of a URI; a per cent sign makes the difference.
        tries = [new File($.fileName), new File(encodeURI($.fileName))];
        for (i = 0; i < tries.length; i += 1) {
            if (tries[i].exists) {
                return tries[i].parent;
            }
        }
        return null;
    }

    // The folder that holds the footage; null if the user does not want to say.
    function findFolder() {
        var folder = ownFolder(), missing = folder === null ? null : missingIn(folder);
        if ((folder !== null) && (missing === null)) {
            return folder;
        }
        if (!app.isRenderEngine) {
            folder = Folder.selectDialog("Where is the folder \"" + shot.folder + "\" of \"" +
                shot.name + "\"? Choose the folder it lies in.");
            if (folder === null) {
                return null;
            }
            missing = missingIn(folder);
        }
        if (folder === null) {
            throw new Error("the script was not run from a file; run it by its own file.");
        }
        if (missing !== null) {
            throw new Error("the file " + missing.fsName + " is missing; put it back and run " +
                "the script again.");
        }
        return folder;
    }

    // A name that no item of the project has.
    function freeName(name) {
        var free = name, number = 1, taken = true, i;
        while (taken) {
            taken = false;
            for (i = 1; i <= app.project.numItems; i += 1) {
                if (app.project.item(i).name === free) {
                    taken = true;
                }
            }
            if (taken) {
                number += 1;
                free = name + " " + number;
            }
        }
        return free;
    }

    function footageOf(folder, name, alphaMode, bin) {
        var options = new ImportOptions(fileIn(folder, name)), item;
        options.sequence = false;
        if (options.canImportAs(ImportAsType.FOOTAGE)) {
            options.importAs = ImportAsType.FOOTAGE;
        }
        item = app.project.importFile(options);
        if (item.mainSource.hasAlpha) {
            item.mainSource.alphaMode = alphaMode;
        }
        item.parentFolder = bin;
        return item;
    }

    function transformOf(layer) {
        return layer.property(TRANSFORM);
    }

    function place(layer, position) {
        var property = transformOf(layer).property(POSITION);
        property.dimensionsSeparated = false; // a preference can make it so
        property.setValue(position);
    }

    function addNull(comp, bin, name, position) {
        var layer = comp.layers.addNull(comp.duration);
        layer.source.name = name;
        layer.source.parentFolder = bin;
        layer.name = name;
        layer.startTime = 0;
        layer.threeDLayer = true;
        transformOf(layer).property(ANCHOR).setValue([0, 0, 0]);
        place(layer, position);
        return layer;
    }

    function addCard(comp, footage, card) {
        var layer = comp.layers.add(footage, comp.duration);
        layer.name = card.name;
        layer.startTime = 0;
        layer.threeDLayer = true;
        layer.quality = LayerQuality.BEST;
        if (typeof LayerSamplingQuality !== "undefined") { // CC and later
            layer.samplingQuality = LayerSamplingQuality.BICUBIC;
        }
        layer.motionBlur = true; // takes effect once the composition's switch is on
        place(layer, card.position);
        transformOf(layer).property(SCALE).setValue([card.scale, card.scale, card.scale]);
        return layer;
    }

    function addDepth(comp, footage) {
        var layer = comp.layers.add(footage, comp.duration);
        layer.name = shot.depth.name;
        layer.startTime = 0;
        transformOf(layer).property(SCALE).setValue([shot.depth.scale, shot.depth.scale]);
        layer.guideLayer = true;
        layer.enabled = false;
    }

    // Cards and the nulls of their groups, the nearest on top.
    function addCards(comp, bin, footage) {
        var layers = [], i, group, layer;
        for (i = 0; i < shot.layers.length; i += 1) {
            layers.push(addCard(comp, footage[i], shot.layers[i]));
        }
        for (group = 0; group < shot.groups.length; group += 1) {
            layer = addNull(comp, bin, shot.groups[group].name, shot.groups[group].position);
            layer.label = shot.groups[group].label;
            layer.moveBefore(layers[shot.groups[group].above]);
            for (i = 0; i < shot.layers.length; i += 1) {
                if (shot.layers[i].group === group) {
                    layers[i].parent = layer;
                    layers[i].label = shot.groups[group].label;
                    // Told from the parent; becoming a child changed both.
                    place(layers[i], shot.layers[i].position);
                    transformOf(layers[i]).property(SCALE).setValue(
                        [shot.layers[i].scale, shot.layers[i].scale, shot.layers[i].scale]);
                }
            }
        }
    }

    function animate(property, keys) {
        var times = [], values = [], i;
        if (keys.length === 1) {
            property.setValue(keys[0][1]);
            return;
        }
        for (i = 0; i < keys.length; i += 1) {
            times.push(keys[i][0]);
            values.push(keys[i][1]);
        }
        property.setValuesAtTimes(times, values);
        for (i = 0; i < keys.length; i += 1) {
            property.setInterpolationTypeAtKey(i + 1, KeyframeInterpolationType.BEZIER,
                KeyframeInterpolationType.BEZIER);
            property.setTemporalEaseAtKey(i + 1, [new KeyframeEase(keys[i][2], THIRD)],
                [new KeyframeEase(keys[i][3], THIRD)]);
        }
    }

    // A null to fly, and on it the camera with the keys of the move.
    function addCamera(comp, bin) {
        var rig = addNull(comp, bin, shot.rig.name, shot.rig.position);
        var camera = comp.layers.addCamera(shot.camera.name, [comp.width / 2, comp.height / 2]);
        var two = shot.camera.target !== null, properties = shot.camera.properties, i;
        camera.startTime = 0;
        camera.autoOrient = two ? AutoOrientType.CAMERA_OR_POINT_OF_INTEREST :
            AutoOrientType.NO_AUTO_ORIENT;
        camera.parent = rig;
        if (two) {
            transformOf(camera).property(ANCHOR).setValue(shot.camera.target);
        }
        transformOf(camera).property(POSITION).dimensionsSeparated = true;
        for (i = 0; i < properties.length; i += 1) {
            animate(camera.property(properties[i][0]).property(properties[i][1]),
                properties[i][2]);
        }
        camera.property(OPTIONS).property(DEPTH_OF_FIELD).setValue(
            shot.camera.depthOfField ? 1 : 0);
        camera.property(OPTIONS).property(BLUR_LEVEL).setValue(100);
    }

    function useClassic3d(comp) {
        var i;
        for (i = 0; i < comp.renderers.length; i += 1) {
            if (comp.renderers[i] === CLASSIC_3D) {
                comp.renderer = CLASSIC_3D;
            }
        }
    }

    function build(folder, made) {
        var footage = [], names = fileNames(), bin, comp, i, alphaMode;
        if (app.project.numItems === 0) {
            app.project.bitsPerChannel = 16; // an empty project has no settings to lose
        }
        bin = app.project.items.addFolder(freeName(shot.name + " footage"));
        made.push(bin);
        comp = app.project.items.addComp(freeName(shot.name), shot.width, shot.height, 1,
            shot.duration, shot.frameRate);
        made.push(comp);
        useClassic3d(comp);
        for (i = 0; i < names.length; i += 1) {
            alphaMode = i < shot.layers.length ? AlphaMode.STRAIGHT : AlphaMode.IGNORE;
            footage.push(footageOf(folder, names[i], alphaMode, bin));
        }
        if (shot.depth !== null) {
            addDepth(comp, footage[footage.length - 1]);
        }
        addCards(comp, bin, footage);
        addCamera(comp, bin);
        if (!app.isRenderEngine) {
            comp.openInViewer();
        }
    }

    function tell(problem) {
        var text = shot.name + ": " + problem;
        if (app.isRenderEngine) {
            $.writeln(text);
            app.exitCode = 1;
        } else {
            alert(text);
        }
    }

    function run() {
        var made = [], folder, i;
        try {
            if (!app.project && !app.newProject()) {
                return;
            }
            folder = findFolder();
            if (folder === null) {
                return;
            }
        } catch (problem) {
            tell(problem.message);
            return;
        }
        app.beginUndoGroup("Layers of " + shot.name);
        try {
            build(folder, made);
        } catch (failure) {
            for (i = made.length - 1; i >= 0; i -= 1) {
                made[i].remove(); // nothing half-built stays
            }
            tell(failure.message);
        }
        app.endUndoGroup();
    }

    run();
}());
