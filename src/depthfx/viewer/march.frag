// One ray a pixel, through sheets of inverse depth.
//
// A camera that steps sideways, with its lens shifted so that the pivot stays in place, sees what
// has inverse depth s in the photo's texel q + (s - pivot) * step: a ray is a straight line over
// the texels, walked from near to far. It meets a sheet where its own s falls below the sheet's.
// Where the sheet rises by a jump within a step, the ray has gone behind a nearer thing, which
// hides nothing of it: what is painted there is found on the sheets behind.
//
// N. Tatarchuk, "Practical parallax occlusion mapping", SIGGRAPH 2006 course notes.

precision highp float;
precision highp int;
precision highp sampler2DArray;

uniform sampler2DArray colours;  // decoded to linear light by the sampler
uniform sampler2DArray depths;   // code's high byte, code's low byte, share
uniform sampler2D bounds;        // least and greatest inverse depth within reach, a block of texels
uniform vec4 frame;              // x, y, width, height in texels of what is seen at rest
uniform vec2 view;               // size of the picture drawn
uniform vec2 stride;             // texels that a unit of inverse depth is shifted by
uniform float pivot;             // the inverse depth that stays in place
uniform float code;              // inverse depth of one code
uniform float jump;              // neighbours that differ by more are two surfaces
uniform float block;             // texels that share an entry of the bounds, to a side
uniform bool marked;             // show in magenta where nothing was met

out vec4 light;

const int MOST_STEPS = 160;
const float OPAQUE = 0.996;      // nothing of an 8-bit code is left to add

ivec2 last;                      // the last texel
vec2 origin;                     // where the ray meets the photo's own, at the pivot

ivec2 inside(ivec2 texel) { return clamp(texel, ivec2(0), last); }

float inverse_of(vec3 stored) { return (stored.r * 256.0 + stored.g) * 255.0 * code; }

vec2 place(float s) { return origin + (s - pivot) * stride; }

// The surface near inverse depth s at a place between four texels: those of other surfaces have
// no say. Gives its inverse depth, -1 if there is none, and adds up its light and share.
float surface(int sheet, vec2 at, float s, float apart, out vec4 straight) {
    vec2 corner = floor(at - 0.5), part = at - 0.5 - corner;
    float members = 0.0, depth = 0.0, share = 0.0;
    vec3 sum = vec3(0.0);
    for (int i = 0; i < 4; i++) {
        ivec2 step = ivec2(i & 1, i >> 1);
        ivec3 texel = ivec3(inside(ivec2(corner) + step), sheet);
        vec3 stored = texelFetch(depths, texel, 0).rgb;
        float found = inverse_of(stored);
        if (abs(found - s) > apart) continue;
        float weight = (step.x == 1 ? part.x : 1.0 - part.x) * (step.y == 1 ? part.y : 1.0 - part.y);
        vec3 colour = texelFetch(colours, texel, 0).rgb;
        members += weight;
        depth += weight * found;
        share += weight * stored.b;
        sum += weight * stored.b * colour;
    }
    if (members < 1e-4) { straight = vec4(0.0); return -1.0; }
    straight = vec4(sum / max(share, 1e-6), share / members);
    return depth / members;
}

void main() {
    last = textureSize(depths, 0).xy - 1;
    vec2 across = gl_FragCoord.xy / view;
    origin = frame.xy + vec2(across.x, 1.0 - across.y) * frame.zw;
    ivec2 entry = clamp(ivec2(origin / block), ivec2(0), textureSize(bounds, 0) - 1);
    vec2 range = texelFetch(bounds, entry, 0).rg;
    float start = range.g + code, end = range.r - code;
    float texels = length(stride) * (start - end);
    int steps = clamp(int(ceil(texels)), 1, MOST_STEPS);
    float apart = jump * max(1.0, texels / float(steps)), ds = (start - end) / float(steps);

    float gap[SHEETS], depth[SHEETS];
    vec3 sum = vec3(0.0);
    vec3 beside = texelFetch(colours, ivec3(inside(ivec2(floor(origin))), 0), 0).rgb;
    float left = 1.0;
    for (int i = 0; i <= MOST_STEPS; i++) {
        if (i > steps || left < 1.0 - OPAQUE) break;
        float s = start - float(i) * ds;
        ivec2 texel = inside(ivec2(floor(place(s))));
        for (int k = 0; k < SHEETS; k++) {
            float found = inverse_of(texelFetch(depths, ivec3(texel, k), 0).rgb), ahead = s - found;
            if (i > 0 && gap[k] > 0.0 && ahead <= 0.0) {
                if (found - depth[k] < apart) {
                    float hit = s + ds * ahead / (ahead - gap[k]);
                    vec4 straight;
                    float exact = surface(k, place(hit), hit, apart, straight);
                    if (exact >= 0.0) {
                        hit = clamp(exact, s - ds, s + 2.0 * ds);
                        surface(k, place(hit), hit, apart, straight);
                    }
                    sum += left * straight.a * straight.rgb;
                    left *= 1.0 - straight.a;
                } else {
                    ivec3 before = ivec3(inside(ivec2(floor(place(s + ds)))), k);
                    if (texelFetch(depths, before, 0).b > 0.5) {
                        beside = texelFetch(colours, before, 0).rgb;
                    }
                }
            }
            gap[k] = ahead;
            depth[k] = found;
        }
    }
    // A crack narrower than a pixel is closed by what is around it, a real hole by the surface that
    // the ray passed in front of last before it went behind something.
    if (marked) sum += left * vec3(1.0, 0.0, 1.0);
    else if (left < 0.5) sum /= 1.0 - left;
    else sum += left * beside;
    light = vec4(sum, 1.0);
}
