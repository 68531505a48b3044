// A strict stand-in for After Effects: runs a script, then prints what it built as JSON.
//
//     node ae_model.js OPTIONS.json     (see `options` below for its names)
//
// It has only what Adobe's After Effects Scripting Guide and JavaScript Tools Guide document;
// any other name, a value of the wrong type or out of its range, or a call in the wrong state
// throws, as does what a later ECMAScript than the third brought to built-in objects.
"use strict";

const fs = require("fs");
const path = require("path");
const vm = require("vm");

const options = {
  script: "", // the path of the script that is run
  fileName: null, // what $.fileName says; null: the path as it is
  dialogFolder: null, // what the user chooses when asked for a folder; null: Cancel
  renderEngine: false,
  version: "25.0", // "11.0" is CS6, which has no sampling quality
  separateDimensions: false, // the preference for new layers
  existing: [], // names of compositions that the project has already
  noProject: false,
  corrupt: [], // names of files that After Effects refuses to import
  ...JSON.parse(fs.readFileSync(process.argv[2], "utf8")),
};
const log = { alerts: [], console: [], dialogs: [], undo: [], opened: [], failure: null };

class AeError extends Error {}
function fail(message) {
  throw new AeError("After Effects error: " + message);
}

// ---- strictness: a proxy that knows which names there are, and which may be written ----------

const raw = new WeakMap(); // proxy -> object
function unwrap(value) {
  return raw.get(value) || value;
}
function strict(target, kind) {
  const proxy = new Proxy(target, {
    get(object, name) {
      if (typeof name === "symbol") return undefined;
      if (name === "toString" || name === "constructor") return Reflect.get(object, name);
      if (name.startsWith("_") || !(name in object)) fail(`${kind} has no "${name}"`);
      const value = Reflect.get(object, name, object);
      return typeof value === "function" ? value.bind(object) : value;
    },
    set(object, name, value) {
      let holder = object;
      while (holder && !Object.getOwnPropertyDescriptor(holder, name)) {
        holder = Object.getPrototypeOf(holder);
      }
      const found = holder && Object.getOwnPropertyDescriptor(holder, name);
      if (!found || !found.set) fail(`${kind}.${String(name)} cannot be set`);
      found.set.call(object, value);
      return true;
    },
    deleteProperty(object, name) {
      fail(`${kind}.${String(name)} cannot be deleted`);
    },
    getPrototypeOf: (object) => Object.getPrototypeOf(object),
  });
  raw.set(proxy, target);
  target._proxy = proxy;
  return proxy;
}

const check = {
  string(value, what) {
    if (typeof value !== "string") fail(`${what} is no string: ${value}`);
    return value;
  },
  name(value, what) {
    check.string(value, what);
    if (value === "" || /[\x00-\x1f]/.test(value)) fail(`${what} is no name: ${value}`);
    return value;
  },
  boolean(value, what) {
    if (typeof value !== "boolean") fail(`${what} is no boolean: ${value}`);
    return value;
  },
  number(value, what, low = -Infinity, high = Infinity) {
    if (typeof value !== "number" || !Number.isFinite(value) || value < low || value > high) {
      fail(`${what} is no number from ${low} to ${high}: ${value}`);
    }
    return value;
  },
  integer(value, what, low, high) {
    check.number(value, what, low, high);
    if (!Number.isInteger(value)) fail(`${what} is no integer: ${value}`);
    return value;
  },
  array(value, what, lengths) {
    if (!Array.isArray(value) || !lengths.includes(value.length)) {
      fail(`${what} is no array of ${lengths}: ${JSON.stringify(value)}`);
    }
    return Array.from(value, (entry) => check.number(entry, what));
  },
  one(value, values, what) {
    if (!Object.values(values).includes(value)) fail(`${what} is none of its kind: ${value}`);
    return value;
  },
  instance(value, type, what) {
    if (!(unwrap(value) instanceof type)) fail(`${what} is no ${type.name}: ${value}`);
    return unwrap(value);
  },
};

let nextEnum = 1812;
function enumeration(kind, ...names) {
  const target = {};
  for (const name of names) target[name] = nextEnum++;
  return new Proxy(Object.freeze(target), {
    get(object, name) {
      if (typeof name === "symbol") return undefined;
      if (!(name in object)) fail(`${kind} has no "${name}"`);
      return object[name];
    },
  });
}
const AlphaMode = enumeration("AlphaMode", "IGNORE", "STRAIGHT", "PREMULTIPLIED");
const AutoOrientType = enumeration("AutoOrientType", "ALONG_PATH", "CAMERA_OR_POINT_OF_INTEREST",
  "CHARACTERS_TOWARD_CAMERA", "NO_AUTO_ORIENT");
const ImportAsType = enumeration("ImportAsType", "COMP_CROPPED_LAYERS", "FOOTAGE", "COMP",
  "PROJECT");
const KeyframeInterpolationType = enumeration("KeyframeInterpolationType", "LINEAR", "BEZIER",
  "HOLD");
const LayerQuality = enumeration("LayerQuality", "BEST", "DRAFT", "WIREFRAME");
const LayerSamplingQuality = enumeration("LayerSamplingQuality", "BICUBIC", "BILINEAR");

// ---- files (JavaScript Tools Guide) -----------------------------------------------------------

function decoded(text) {
  // What is no code stays as it is.
  return text.replace(/(%[0-9a-fA-F]{2})+/g, (codes) => {
    try {
      return decodeURIComponent(codes);
    } catch (problem) {
      return codes;
    }
  });
}
class FileSystemEntry {
  constructor(name) {
    check.string(name, "a path");
    this._path = path.resolve(decoded(name));
  }
  get absoluteURI() {
    return encodeURI(this._path);
  }
  get fsName() {
    return this._path;
  }
  get exists() {
    return fs.existsSync(this._path) && this._right(fs.statSync(this._path));
  }
  get parent() {
    return new FolderProxy(encodeURI(path.dirname(this._path)));
  }
}
class File extends FileSystemEntry {
  _right(stat) {
    return stat.isFile();
  }
}
class Folder extends FileSystemEntry {
  _right(stat) {
    return stat.isDirectory();
  }
}
function constructible(type) {
  return new Proxy(type, {
    construct: (target, list) => strict(new target(...list), type.name),
    get(target, name) {
      if (name === Symbol.hasInstance || name === "prototype") return target[name];
      if (type === Folder && name === "selectDialog") {
        return (prompt) => {
          if (options.renderEngine) fail("a dialog in the render engine");
          log.dialogs.push(check.string(prompt, "prompt"));
          return options.dialogFolder === null
            ? null
            : new FolderProxy(encodeURI(options.dialogFolder));
        };
      }
      return fail(`${type.name} has no "${String(name)}"`);
    },
  });
}
const FileProxy = constructible(File);
const FolderProxy = constructible(Folder);

// ---- properties -------------------------------------------------------------------------------

class KeyframeEase {
  constructor(speed, influence) {
    this._speed = check.number(speed, "speed");
    this._influence = check.number(influence, "influence", 0.1, 100);
  }
  get speed() {
    return this._speed;
  }
  get influence() {
    return this._influence;
  }
}

const SPATIAL = { "ADBE Position": true, "ADBE Anchor Point": true };
class Property {
  constructor(layer, matchName, value, low = -Infinity, high = Infinity) {
    Object.assign(this, { _layer: layer, _matchName: matchName, _value: value });
    Object.assign(this, { _low: low, _high: high, _keys: [], _separated: false });
  }
  _checked(value) {
    this._layer._mustShow(this);
    const what = `${this._layer._name}, ${this._matchName}`;
    if (!Array.isArray(this._value)) return check.number(value, what, this._low, this._high);
    const whole = check.array(value, what, [2, 3]);
    if (whole.length === 2) whole.push(this._matchName === "ADBE Scale" ? 100 : 0);
    return whole;
  }
  get matchName() {
    return this._matchName;
  }
  get value() {
    return this._value;
  }
  get numKeys() {
    return this._keys.length;
  }
  get isSeparationLeader() {
    return this._matchName === "ADBE Position";
  }
  get dimensionsSeparated() {
    return this._separated;
  }
  set dimensionsSeparated(separated) {
    if (!this.isSeparationLeader) fail(`${this._matchName} has no dimensions to separate`);
    check.boolean(separated, "dimensionsSeparated");
    if (separated !== this._separated) {
      const followers = [0, 1, 2].map((d) => this._layer._transform._all[`ADBE Position_${d}`]);
      if (separated) followers.forEach((property, d) => (property._value = this._value[d]));
      else this._value = followers.map((property) => property._value);
      this._separated = separated;
    }
  }
  setValue(value) {
    const whole = this._checked(value);
    if (this._keys.length) fail(`${this._matchName} has keys`);
    this._value = whole;
  }
  setValueAtTime(time, value) {
    check.number(time, "time", -10800, 10800);
    const linear = KeyframeInterpolationType.LINEAR;
    const key = { time, value: this._checked(value), inType: linear, outType: linear };
    this._keys = this._keys.filter((other) => other.time !== time).concat([key]);
    this._keys.sort((a, b) => a.time - b.time);
  }
  setValuesAtTimes(times, values) {
    if (!Array.isArray(times) || !Array.isArray(values) || times.length !== values.length) {
      fail("times and values are no arrays of one length");
    }
    Array.from(times).forEach((time, k) => this.setValueAtTime(time, values[k]));
  }
  _key(index) {
    check.integer(index, "key", 1, this._keys.length);
    return this._keys[index - 1];
  }
  setInterpolationTypeAtKey(index, inType, outType = inType) {
    check.one(inType, KeyframeInterpolationType, "interpolation");
    check.one(outType, KeyframeInterpolationType, "interpolation");
    Object.assign(this._key(index), { inType, outType });
  }
  setTemporalEaseAtKey(index, easeIn, easeOut = easeIn) {
    const wanted = Array.isArray(this._value) && !SPATIAL[this._matchName] ? 3 : 1;
    for (const ease of [easeIn, easeOut]) {
      if (!Array.isArray(ease) || ease.length !== wanted) fail("ease for another dimension");
    }
    Object.assign(this._key(index), {
      easeIn: check.instance(easeIn[0], KeyframeEase, "ease"),
      easeOut: check.instance(easeOut[0], KeyframeEase, "ease"),
    });
  }
  _dump() {
    const bezier = KeyframeInterpolationType.BEZIER;
    return this._keys.length === 0
      ? this._value
      : {
          keys: this._keys.map((key) => ({
            time: key.time,
            value: key.value,
            in: key.inType === bezier ? [key.easeIn._speed, key.easeIn._influence] : null,
            out: key.outType === bezier ? [key.easeOut._speed, key.easeOut._influence] : null,
          })),
        };
  }
}

class PropertyGroup {
  constructor(layer, matchName, properties) {
    Object.assign(this, { _layer: layer, _matchName: matchName, _all: {} });
    for (const [name, ...rest] of properties) {
      this._all[name] = new Property(layer, name, ...rest);
      strict(this._all[name], "Property");
    }
  }
  get matchName() {
    return this._matchName;
  }
  property(name) {
    check.string(name, "property");
    if (!(name in this._all)) fail(`${this._matchName} has no property ${name}`);
    return this._all[name]._proxy;
  }
}

// Match names of the guide's pages "Layer Match Names".
function transformOf(layer, position) {
  return new PropertyGroup(layer, "ADBE Transform Group", [
    ["ADBE Anchor Point", layer._anchor()],
    ["ADBE Position", position],
    ["ADBE Position_0", position[0]],
    ["ADBE Position_1", position[1]],
    ["ADBE Position_2", position[2]],
    ["ADBE Scale", [100, 100, 100]],
    ["ADBE Orientation", [0, 0, 0]],
    ["ADBE Rotate X", 0],
    ["ADBE Rotate Y", 0],
    ["ADBE Rotate Z", 0],
    ["ADBE Opacity", 100, 0, 100],
  ]);
}

// ---- layers -----------------------------------------------------------------------------------

class Layer {
  constructor(comp, name) {
    Object.assign(this, { _comp: comp, _name: name, _parent: null, _label: 1, _enabled: true });
    this._startTime = 3; // "create layers at composition start time" is off, as it may be
  }
  _mustShow(property) {
    const name = property._matchName;
    const separated = this._transform._all["ADBE Position"]._separated;
    if (/^ADBE Position_/.test(name) && !separated) fail(`${name} is hidden: not separated`);
    if (name === "ADBE Position" && separated) fail(`${name} is hidden: its dimensions are set`);
    const flat = /^ADBE (Orientation|Rotate [XY])$/.test(name);
    if (flat && !this._threeD) fail(`${name} is hidden: the layer is not 3D`);
  }
  get name() {
    return this._name;
  }
  set name(value) {
    this._name = check.name(value, "name");
  }
  get index() {
    return this._comp._layers.indexOf(this) + 1;
  }
  get label() {
    return this._label;
  }
  set label(value) {
    this._label = check.integer(value, "label", 0, 16);
  }
  get enabled() {
    return this._enabled;
  }
  set enabled(value) {
    this._enabled = check.boolean(value, "enabled");
  }
  get startTime() {
    return this._startTime;
  }
  set startTime(value) {
    this._startTime = check.number(value, "startTime", -10800, 10800);
  }
  get parent() {
    return this._parent && this._parent._proxy;
  }
  set parent(value) {
    const parent = value === null ? null : check.instance(value, Layer, "parent");
    for (let above = parent; above; above = above._parent) {
      if (above === this) fail("a layer is its own parent");
    }
    // The layer stays where it is; its values are now told from the parent. Garbage shows a
    // script that does not set them anew.
    this._transform._all["ADBE Position"]._value = [-1e5, 1e5, 1e5];
    this._parent = parent;
  }
  moveBefore(other) {
    const target = check.instance(other, Layer, "layer");
    const layers = this._comp._layers;
    layers.splice(layers.indexOf(this), 1);
    layers.splice(layers.indexOf(target), 0, this);
  }
  property(name) {
    check.string(name, "property");
    const group = [this._transform, this._options].find((g) => g && g._matchName === name);
    if (!group) fail(`a layer has no property ${name}`);
    return group._proxy || strict(group, "PropertyGroup");
  }
  _dump() {
    const values = {};
    for (const group of [this._transform, this._options]) {
      for (const [name, property] of Object.entries(group ? group._all : {})) {
        values[name] = property._dump();
      }
    }
    return {
      kind: this.constructor.name,
      name: this._name,
      label: this._label,
      enabled: this._enabled,
      startTime: this._startTime,
      parent: this._parent && this._parent.index,
      separated: this._transform._all["ADBE Position"]._separated,
      values,
      ...this._more(),
    };
  }
}

class AVLayer extends Layer {
  constructor(comp, source, isNull, duration) {
    super(comp, source._name);
    Object.assign(this, { _source: source, _null: isNull, _duration: duration });
    Object.assign(this, { _threeD: false, _guide: false, _blur: false, _quality: "DRAFT" });
    this._transform = transformOf(this, [comp._width / 2, comp._height / 2, 0]);
    this._transform._all["ADBE Position"]._separated = options.separateDimensions;
  }
  _anchor() {
    return this._null ? [50, 50, 0] : [this._source._size[0] / 2, this._source._size[1] / 2, 0];
  }
  get source() {
    return this._source._proxy;
  }
  get threeDLayer() {
    return this._threeD;
  }
  set threeDLayer(value) {
    this._threeD = check.boolean(value, "threeDLayer");
  }
  get guideLayer() {
    return this._guide;
  }
  set guideLayer(value) {
    this._guide = check.boolean(value, "guideLayer");
  }
  get motionBlur() {
    return this._blur;
  }
  set motionBlur(value) {
    this._blur = check.boolean(value, "motionBlur");
  }
  get quality() {
    return this._quality;
  }
  set quality(value) {
    this._quality = check.one(value, LayerQuality, "quality");
  }
  get samplingQuality() {
    return this._sampling;
  }
  set samplingQuality(value) {
    if (options.version === "11.0") fail('AVLayer has no "samplingQuality"');
    this._sampling = check.one(value, LayerSamplingQuality, "samplingQuality");
  }
  _more() {
    return {
      null: this._null,
      threeD: this._threeD,
      guide: this._guide,
      duration: this._duration,
      size: this._source._size,
      file: this._source._file ? this._source._file._path : null,
      straight: this._source._alphaMode === AlphaMode.STRAIGHT,
    };
  }
}

class CameraLayer extends Layer {
  constructor(comp, name, centre) {
    super(comp, name);
    const zoom = comp._width * (50 / 36); // the lens of 50 mm on 36 mm of film
    this._threeD = true;
    this._centre = centre;
    this._orient = AutoOrientType.CAMERA_OR_POINT_OF_INTEREST;
    this._transform = transformOf(this, [centre[0], centre[1], -zoom]);
    this._options = new PropertyGroup(this, "ADBE Camera Options Group", [
      ["ADBE Camera Zoom", zoom, 1],
      ["ADBE Camera Depth of Field", 1, 0, 1], // the last camera made by hand had it
      ["ADBE Camera Focus Distance", zoom, 0],
      ["ADBE Camera Aperture", 25.3, 0],
      ["ADBE Camera Blur Level", 50, 0],
    ]);
  }
  _anchor() {
    return [this._centre[0], this._centre[1], 0];
  }
  _mustShow(property) {
    super._mustShow(property);
    const target = property._matchName === "ADBE Anchor Point";
    if (target && this._orient !== AutoOrientType.CAMERA_OR_POINT_OF_INTEREST) {
      fail("the point of interest is hidden: the camera does not look at it");
    }
    if (/^ADBE (Scale|Opacity)$/.test(property._matchName)) {
      fail(`a camera shows no ${property._matchName}`);
    }
  }
  get autoOrient() {
    return this._orient;
  }
  set autoOrient(value) {
    this._orient = check.one(value, AutoOrientType, "autoOrient");
  }
  _more() {
    return { twoNode: this._orient === AutoOrientType.CAMERA_OR_POINT_OF_INTEREST };
  }
}

class LayerCollection {
  constructor(comp) {
    this._comp = comp;
  }
  get length() {
    return this._comp._layers.length;
  }
  _add(layer) {
    this._comp._layers.unshift(layer);
    return strict(layer, layer.constructor.name);
  }
  add(item, duration) {
    check.number(duration, "duration", 0, 10800);
    const source = check.instance(item, FootageItem, "item");
    return this._add(new AVLayer(this._comp, source, false, duration));
  }
  addNull(duration) {
    check.number(duration, "duration", 0, 10800);
    const solid = new FootageItem(`Null ${this._comp._layers.length + 1}`, null);
    solid._parent = solids();
    project._add(solid);
    return this._add(new AVLayer(this._comp, solid, true, duration));
  }
  addCamera(name, centre) {
    check.name(name, "name");
    return this._add(new CameraLayer(this._comp, name, check.array(centre, "centerPoint", [2])));
  }
}

// ---- items ------------------------------------------------------------------------------------

class Item {
  constructor(name) {
    this._name = check.name(name, "name");
    this._parent = null;
  }
  get name() {
    return this._name;
  }
  set name(value) {
    this._name = check.name(value, "name");
  }
  get parentFolder() {
    return this._parent && this._parent._proxy;
  }
  set parentFolder(value) {
    this._parent = check.instance(value, FolderItem, "parentFolder");
  }
  remove() {
    project._items = project._items.filter((item) => item !== this && item._parent !== this);
  }
}
class FolderItem extends Item {}

class FootageSource {
  constructor(item) {
    this._item = item;
  }
  get hasAlpha() {
    return this._item._hasAlpha;
  }
  get alphaMode() {
    return this._item._alphaMode;
  }
  set alphaMode(value) {
    this._item._alphaMode = check.one(value, AlphaMode, "alphaMode");
  }
}
class FootageItem extends Item {
  constructor(name, file) {
    super(name);
    this._file = file;
    this._size = [100, 100];
    if (file !== null) {
      const bytes = fs.readFileSync(file._path);
      if (bytes.toString("latin1", 1, 4) !== "PNG") fail(`${name} is no PNG`);
      this._size = [bytes.readUInt32BE(16), bytes.readUInt32BE(20)];
      this._hasAlpha = bytes[25] === 6; // colour type: truecolour with alpha
    }
    this._alphaMode = this._hasAlpha ? AlphaMode.PREMULTIPLIED : null;
    this._main = strict(new FootageSource(this), "FootageSource");
  }
  get mainSource() {
    return this._main;
  }
}
class CompItem extends Item {
  constructor(name, width, height, pixelAspect, duration, frameRate) {
    super(name);
    this._width = check.integer(width, "width", 4, 30000);
    this._height = check.integer(height, "height", 4, 30000);
    this._aspect = check.number(pixelAspect, "pixelAspect", 0.01, 100);
    this._duration = check.number(duration, "duration", 0, 10800);
    this._rate = check.number(frameRate, "frameRate", 1, 99);
    this._layers = [];
    this._collection = strict(new LayerCollection(this), "LayerCollection");
    this._renderer = "ADBE Calder";
  }
  get width() {
    return this._width;
  }
  get height() {
    return this._height;
  }
  get duration() {
    return this._duration;
  }
  get layers() {
    return this._collection;
  }
  get renderers() {
    return ["ADBE Advanced 3d", "ADBE Calder", "ADBE Ernst"];
  }
  get renderer() {
    return this._renderer;
  }
  set renderer(value) {
    if (!this.renderers.includes(value)) fail(`no renderer ${value}`);
    this._renderer = value;
  }
  openInViewer() {
    if (options.renderEngine) fail("no viewer in the render engine");
    log.opened.push(this._name);
    return null;
  }
  _dump() {
    return {
      name: this._name,
      width: this._width,
      height: this._height,
      pixelAspect: this._aspect,
      duration: this._duration,
      frameRate: this._rate,
      renderer: this._renderer,
      layers: this._layers.map((layer) => layer._dump()),
    };
  }
}

class ImportOptions {
  constructor(file) {
    this._file = check.instance(file, File, "file");
    if (!file.exists) fail(`${file.fsName} does not exist`);
    this._sequence = true;
  }
  get sequence() {
    return this._sequence;
  }
  set sequence(value) {
    this._sequence = check.boolean(value, "sequence");
  }
  get importAs() {
    return this._as;
  }
  set importAs(value) {
    this._as = check.one(value, ImportAsType, "importAs");
  }
  canImportAs(type) {
    return check.one(type, ImportAsType, "type") === ImportAsType.FOOTAGE;
  }
}

class ItemCollection {
  addFolder(name) {
    return project._add(new FolderItem(name));
  }
  addComp(...list) {
    return project._add(new CompItem(...list));
  }
}
class Project {
  constructor() {
    this._items = [];
    this._collection = strict(new ItemCollection(), "ItemCollection");
    this._bits = 8;
  }
  _add(item) {
    this._items.push(item);
    return strict(item, item.constructor.name);
  }
  get items() {
    return this._collection;
  }
  get numItems() {
    return this._items.length;
  }
  get bitsPerChannel() {
    return this._bits;
  }
  set bitsPerChannel(value) {
    this._bits = check.one(value, { a: 8, b: 16, c: 32 }, "bitsPerChannel");
  }
  item(index) {
    return this._items[check.integer(index, "item", 1, this._items.length) - 1]._proxy;
  }
  importFile(settings) {
    const { _file, _sequence } = check.instance(settings, ImportOptions, "options");
    if (_sequence) fail("a still was imported as a sequence");
    const name = path.basename(_file._path);
    if (options.corrupt.includes(name)) fail(`${name}: file cannot be read`);
    return this._add(new FootageItem(name, _file));
  }
}
const project = new Project();
strict(project, "Project");
let solidsFolder = null;
function solids() {
  if (solidsFolder === null) {
    solidsFolder = new FolderItem("Solids");
    project._add(solidsFolder);
  }
  return solidsFolder;
}
for (const name of options.existing) project.items.addComp(name, 100, 100, 1, 1, 25);

class Application {
  constructor() {
    this._project = options.noProject ? null : project;
    this._code = 0;
  }
  get project() {
    return this._project && this._project._proxy;
  }
  get isRenderEngine() {
    return options.renderEngine;
  }
  get version() {
    return options.version;
  }
  get exitCode() {
    return this._code;
  }
  set exitCode(value) {
    this._code = check.integer(value, "exitCode", 0, 255);
  }
  newProject() {
    this._project = project;
    return this.project;
  }
  beginUndoGroup(name) {
    log.undo.push(check.string(name, "undoString"));
    this._undo = (this._undo || 0) + 1;
  }
  endUndoGroup() {
    if (!this._undo) fail("no undo group was begun");
    this._undo -= 1;
  }
}
const app = new Application();

// ---- ExtendScript -----------------------------------------------------------------------------

class Dollar {
  get fileName() {
    return options.fileName === null ? options.script : options.fileName;
  }
  writeln(text) {
    log.console.push(check.string(text, "text"));
  }
}

const world = {
  app: strict(app, "Application"),
  $: strict(new Dollar(), "$"),
  File: FileProxy,
  Folder: FolderProxy,
  ImportOptions: constructible(ImportOptions),
  KeyframeEase: constructible(KeyframeEase),
  ...{ AlphaMode, AutoOrientType, ImportAsType, KeyframeInterpolationType, LayerQuality },
  alert(text) {
    if (options.renderEngine) fail("a dialog in the render engine");
    log.alerts.push(check.string(text, "text"));
  },
};
if (options.version !== "11.0") world.LayerSamplingQuality = LayerSamplingQuality;

// What ECMAScript 3 has; the rest is taken away.
const GLOBALS = `Object Array String Function Boolean Number Date RegExp Error EvalError RangeError
  ReferenceError SyntaxError TypeError URIError Math NaN Infinity undefined parseInt parseFloat
  isNaN isFinite encodeURI encodeURIComponent decodeURI decodeURIComponent eval escape unescape`;
const STATICS = { Object: "", Array: "", String: "fromCharCode", Function: "" };
const METHODS = {
  Object: `toString toLocaleString valueOf hasOwnProperty isPrototypeOf propertyIsEnumerable
    __proto__`,
  Array: "toString toLocaleString concat join pop push reverse shift slice sort splice unshift",
  String: `toString valueOf charAt charCodeAt concat indexOf lastIndexOf localeCompare match
    replace search slice split substring substr toLowerCase toLocaleLowerCase toUpperCase
    toLocaleUpperCase`,
  Function: "toString apply call arguments caller",
};
function keepOnly(object, words) {
  const kept = words.split(/\s+/).concat("prototype", "length", "name", "constructor");
  for (const own of Object.getOwnPropertyNames(object)) {
    if (!kept.includes(own)) delete object[own];
  }
}
const context = vm.createContext(world);
const inner = vm.runInContext("this", context);
for (const [name, words] of Object.entries(METHODS)) {
  keepOnly(inner[name].prototype, words);
  keepOnly(inner[name], STATICS[name]);
}
keepOnly(inner, GLOBALS + " " + Object.keys(world).join(" "));

try {
  vm.runInContext(fs.readFileSync(options.script, "utf8"), context, { filename: "script.jsx" });
} catch (problem) {
  log.failure = String(problem && problem.stack ? problem.stack : problem);
}
process.stdout.write(
  JSON.stringify({
    ...log,
    openUndoGroups: app._undo || 0,
    exitCode: app._code,
    bitsPerChannel: project._bits,
    folders: project._items.filter((i) => i instanceof FolderItem).map((i) => i._name),
    footage: project._items
      .filter((i) => i instanceof FootageItem)
      .map((i) => ({ name: i._name, folder: i._parent && i._parent._name })),
    comps: project._items.filter((i) => i instanceof CompItem).map((i) => i._dump()),
  }),
);
