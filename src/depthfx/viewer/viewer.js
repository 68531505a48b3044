
// A photo that shows its depth: it follows the pointer, the finger, the keys and the tilt of the
// device, and sways by itself while nobody moves it.
//
// Options, words joined by "&" in the element's data-options or behind the page's "#":
//   still   it does not sway by itself
//   holes   what neither the photo nor its painted background covers is shown in magenta
// The element's data-state says "moving" once it can move, "still" where there is no WebGL 2,
// "lost" while the browser has taken the graphics card away, "failed" after an error.
(() => {
  "use strict";
  const root = document.currentScript.closest(".depth-photo");
  const options = `${root.dataset.options}&${location.hash.slice(1)}`.split("&");
  const number = (name) => Number(root.dataset[name]);
  const frame = root.dataset.frame.split(" ").map(Number);
  const calm = matchMedia("(prefers-reduced-motion: reduce)");

  const EASE_S = 0.12;            // after this time, 1/e of the way to the target is left
  const NEAR_ENOUGH = 1e-3;       // of the full step: the picture has come to rest
  const IDLE_S = 4;               // untouched for so long, it sways
  const SWAY = { x: 0.5, y: 0.2, period_s: 8 };
  const TILT_DEG = 20;            // tilted so far, it is at the end of its step
  const KEY_STEP = 0.25;
  const SLOW_S = 0.05;            // frames longer than this are drawn at half the size
  const SIDES_PX = 4096;          // no canvas is larger

  // ---- What is drawn -------------------------------------------------------------------------

  const canvas = document.createElement("canvas");
  canvas.setAttribute("aria-hidden", "true");
  const gl = canvas.getContext("webgl2", { alpha: false, antialias: false, depth: false });
  let drawing = null;             // programs, textures and targets; null while there are none

  function shader(type, source) {
    const made = gl.createShader(type);
    gl.shaderSource(made, `#version 300 es\n${source}`);
    gl.compileShader(made);
    if (!gl.getShaderParameter(made, gl.COMPILE_STATUS) && !gl.isContextLost()) {
      throw new Error(gl.getShaderInfoLog(made));
    }
    return made;
  }

  // One triangle that covers everything, coloured by the fragment shader of that name.
  function program(name, defines = "") {
    const made = gl.createProgram();
    const corners = "void main() { vec2 at = vec2(gl_VertexID & 1, gl_VertexID >> 1);"
      + " gl_Position = vec4(at * 4.0 - 1.0, 0.0, 1.0); }";
    gl.attachShader(made, shader(gl.VERTEX_SHADER, corners));
    const source = root.querySelector(`[data-shader="${name}"]`).textContent;
    gl.attachShader(made, shader(gl.FRAGMENT_SHADER, `${defines}\n${source}`));
    gl.linkProgram(made);
    if (!gl.getProgramParameter(made, gl.LINK_STATUS) && !gl.isContextLost()) {
      throw new Error(gl.getProgramInfoLog(made));
    }
    return { made, at: (uniform) => gl.getUniformLocation(made, uniform) };
  }

  function texture(unit, target, filter) {
    gl.activeTexture(gl.TEXTURE0 + unit);
    const made = gl.createTexture();
    gl.bindTexture(target, made);
    gl.texParameteri(target, gl.TEXTURE_MIN_FILTER, filter);
    gl.texParameteri(target, gl.TEXTURE_MAG_FILTER, filter === gl.NEAREST ? filter : gl.LINEAR);
    gl.texParameteri(target, gl.TEXTURE_WRAP_S, gl.CLAMP_TO_EDGE);
    gl.texParameteri(target, gl.TEXTURE_WRAP_T, gl.CLAMP_TO_EDGE);
    return made;
  }

  function sheets(unit, images, format) {
    texture(unit, gl.TEXTURE_2D_ARRAY, gl.NEAREST);
    const { naturalWidth: width, naturalHeight: height } = images[0];
    gl.texStorage3D(gl.TEXTURE_2D_ARRAY, 1, format, width, height, images.length);
    images.forEach((image, k) => gl.texSubImage3D(
      gl.TEXTURE_2D_ARRAY, 0, 0, 0, k, width, height, 1, gl.RGBA, gl.UNSIGNED_BYTE, image));
  }

  // A picture in linear light to draw into, with its mipmaps.
  function target(unit, width, height) {
    const made = texture(unit, gl.TEXTURE_2D, gl.LINEAR_MIPMAP_LINEAR);
    const levels = Math.floor(Math.log2(Math.max(width, height))) + 1;
    gl.texStorage2D(gl.TEXTURE_2D, levels, gl.SRGB8_ALPHA8, width, height);
    const buffer = gl.createFramebuffer();
    gl.bindFramebuffer(gl.FRAMEBUFFER, buffer);
    gl.framebufferTexture2D(gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0, gl.TEXTURE_2D, made, 0);
    return { buffer, unit, width, height };
  }

  function set_up() {
    const images = (kind) => [...root.querySelectorAll(`img[data-texture="${kind}"]`)];
    const colours = images("colour"), depths = images("depth");
    const most = gl.getParameter(gl.MAX_TEXTURE_SIZE);
    if (Math.max(colours[0].naturalWidth, colours[0].naturalHeight) > most) {
      throw new Error(`the graphics card takes pictures of ${most} pixels at most`);
    }
    gl.pixelStorei(gl.UNPACK_COLORSPACE_CONVERSION_WEBGL, gl.NONE);
    gl.pixelStorei(gl.UNPACK_PREMULTIPLY_ALPHA_WEBGL, false);
    gl.bindVertexArray(gl.createVertexArray());
    sheets(0, colours, gl.SRGB8_ALPHA8);
    sheets(1, depths, gl.RGBA8);
    texture(2, gl.TEXTURE_2D, gl.NEAREST);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA8, gl.RGBA, gl.UNSIGNED_BYTE, images("bounds")[0]);
    const [width, height] = [Math.round(frame[2]), Math.round(frame[3])];
    const march = program("march", `#define SHEETS ${colours.length}`), show = program("show");
    gl.useProgram(march.made);
    gl.uniform1i(march.at("colours"), 0);
    gl.uniform1i(march.at("depths"), 1);
    gl.uniform1i(march.at("bounds"), 2);
    gl.uniform4fv(march.at("frame"), frame);
    gl.uniform1f(march.at("pivot"), number("pivot"));
    gl.uniform1f(march.at("code"), 1 / (number("codes") - 1));
    gl.uniform1f(march.at("jump"), number("jump"));
    gl.uniform1f(march.at("block"), number("block"));
    gl.uniform1i(march.at("marked"), Number(options.includes("holes")));
    const half = [Math.ceil(width / 2), Math.ceil(height / 2)];
    drawing = { march, show, whole: target(3, width, height), half: target(4, ...half) };
  }

  function draw(x, y, quickly) {
    const { march, show, whole, half } = drawing;
    const into = quickly ? half : whole;
    gl.bindFramebuffer(gl.FRAMEBUFFER, into.buffer);
    gl.viewport(0, 0, into.width, into.height);
    gl.useProgram(march.made);
    gl.uniform2f(march.at("view"), into.width, into.height);
    gl.uniform2f(march.at("stride"), x * number("step"), y * number("step"));
    gl.drawArrays(gl.TRIANGLES, 0, 3);
    gl.activeTexture(gl.TEXTURE0 + into.unit);
    gl.generateMipmap(gl.TEXTURE_2D);
    gl.bindFramebuffer(gl.FRAMEBUFFER, null);
    gl.viewport(0, 0, canvas.width, canvas.height);
    gl.useProgram(show.made);
    gl.uniform1i(show.at("picture"), into.unit);
    gl.uniform2f(show.at("view"), canvas.width, canvas.height);
    gl.drawArrays(gl.TRIANGLES, 0, 3);
  }

  // ---- Where the camera is --------------------------------------------------------------------

  // As shares of the full step, x to the right and y down: the camera stands at `place`, goes to
  // `goal`, and was last drawn from `drawn`.
  const place = { x: 0, y: 0 }, goal = { x: 0, y: 0 };
  let drawn = null, touched_s = -Infinity, before_s = 0, waiting = false, slow = 0, visible = true;
  let swaying_since_s = 0;

  function go(x, y) {
    const far = Math.max(1, Math.hypot(x, y));
    goal.x = x / far;
    goal.y = y / far;
    touched_s = performance.now() / 1000;
    wake();
  }

  function wake() {
    if (!waiting && drawing && visible) {
      waiting = true;
      before_s = 0;
      requestAnimationFrame(step);
    }
  }

  const sways = () => !options.includes("still") && !calm.matches;

  function sway(now_s) {
    if (now_s - touched_s < IDLE_S) { swaying_since_s = now_s; return; }
    const turn = 2 * Math.PI * (now_s - swaying_since_s) / SWAY.period_s;
    goal.x = SWAY.x * Math.sin(turn);
    goal.y = SWAY.y * Math.sin(2 * turn);
  }

  function step(now_ms) {
    waiting = false;
    if (!drawing || !visible) return;
    const now_s = now_ms / 1000, passed_s = before_s ? now_s - before_s : 0;
    before_s = now_s;
    if (sways()) sway(now_s);
    const share = 1 - Math.exp(-Math.min(passed_s, 0.25) / EASE_S);
    place.x += share * (goal.x - place.x);
    place.y += share * (goal.y - place.y);
    const moving = Math.hypot(goal.x - place.x, goal.y - place.y) > NEAR_ENOUGH;
    if (!moving) Object.assign(place, goal);
    slow = 0.9 * slow + 0.1 * passed_s;
    const quickly = slow > SLOW_S && (moving || sways());
    const now = `${place.x} ${place.y} ${canvas.width} ${canvas.height} ${quickly}`;
    if (now !== drawn) draw(place.x, place.y, quickly);
    drawn = now;
    root.dataset.at = moving ? "" : `${place.x.toFixed(3)} ${place.y.toFixed(3)}`;
    if (moving || quickly || sways()) {
      waiting = true;
      requestAnimationFrame(step);
    }
  }

  // ---- Who moves it ---------------------------------------------------------------------------

  function towards(event) {
    const box = root.getBoundingClientRect();
    go(2 * (event.clientX - box.left) / box.width - 1, 2 * (event.clientY - box.top) / box.height - 1);
  }

  function on_tilt() {
    let level = null;             // how the device was held when it was first heard of
    addEventListener("deviceorientation", (event) => {
      if (event.beta === null || calm.matches) return;
      const turn = (screen.orientation?.angle ?? 0) * Math.PI / 180;
      const [a, b] = [event.gamma, event.beta];
      const x = a * Math.cos(turn) + b * Math.sin(turn), y = b * Math.cos(turn) - a * Math.sin(turn);
      level ??= { x, y };
      // It follows slowly how the device is held, so that no place is the end for ever.
      level.x += 0.01 * (x - level.x);
      level.y += 0.01 * (y - level.y);
      go((x - level.x) / TILT_DEG, (y - level.y) / TILT_DEG);
    });
  }

  function listen() {
    // With reduced motion wanted, it only goes where it is pulled.
    addEventListener("pointermove", (event) => {
      if (event.pointerType === "mouse" && (!calm.matches || event.buttons)) towards(event);
    });
    root.addEventListener("pointermove", (event) => {
      if (event.pointerType !== "mouse") towards(event);
    });
    root.addEventListener("keydown", (event) => {
      const to = {
        ArrowLeft: [goal.x - KEY_STEP, goal.y], ArrowRight: [goal.x + KEY_STEP, goal.y],
        ArrowUp: [goal.x, goal.y - KEY_STEP], ArrowDown: [goal.x, goal.y + KEY_STEP],
        Home: [0, 0], Escape: [0, 0],
      }[event.key];
      if (!to || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      go(...to);
    });
    const ask = globalThis.DeviceOrientationEvent?.requestPermission;
    if (ask) {                    // iOS gives the tilt after a tap only
      root.addEventListener("click", () => {
        ask.call(DeviceOrientationEvent).then((answer) => answer === "granted" && on_tilt(), () => {});
      }, { once: true });
    } else {
      on_tilt();
    }
    calm.addEventListener("change", wake);
    new IntersectionObserver((entries) => {
      visible = entries[entries.length - 1].isIntersecting;
      wake();
    }).observe(root);
    new ResizeObserver(fit).observe(root);
    addEventListener("resize", fit);   // a change of zoom or screen changes the pixel ratio only
    canvas.addEventListener("webglcontextlost", (event) => {
      event.preventDefault();
      drawing = drawn = null;
      canvas.hidden = true;
      root.dataset.state = "lost";
    });
    canvas.addEventListener("webglcontextrestored", begin);
  }

  function fit() {
    const ratio = Math.min(devicePixelRatio, SIDES_PX / Math.max(root.clientWidth, root.clientHeight, 1));
    const width = Math.max(1, Math.round(root.clientWidth * ratio));
    const height = Math.max(1, Math.round(root.clientHeight * ratio));
    if (canvas.width !== width) canvas.width = width;
    if (canvas.height !== height) canvas.height = height;
    wake();
  }

  function fail(error) {
    drawing = null;
    canvas.remove();
    root.dataset.state = "failed";
    const message = document.createElement("p");
    message.className = "message";
    message.setAttribute("role", "alert");
    message.textContent = `This 3D photo can only be shown still: ${error.message}`;
    root.append(message);
  }

  function begin() {
    try {
      set_up();
      canvas.hidden = false;
      fit();
      root.dataset.state = "moving";
      wake();
    } catch (error) {
      fail(error);
    }
  }

  async function start() {
    if (!gl) {
      root.dataset.state = "still";
      return;
    }
    const pictures = [...root.querySelectorAll("img[data-texture]")];
    try {
      await Promise.all(pictures.map((picture) => picture.decode()));
    } catch {
      fail(new Error("a picture in it could not be read; the file may be damaged"));
      return;
    }
    root.append(canvas);
    listen();
    begin();
  }

  start();
})();
