// The drawn picture, averaged or interpolated to the size it has on the page, encoded as sRGB
// (IEC 61966-2-1).

precision highp float;

uniform sampler2D picture;       // linear light, with mipmaps
uniform vec2 view;               // size of the canvas

out vec4 signal;

void main() {
    // Between two mipmaps the finer one has more say: half a level is blurred visibly.
    vec3 linear = texture(picture, gl_FragCoord.xy / view, -0.5).rgb;
    vec3 curved = 1.055 * pow(linear, vec3(1.0 / 2.4)) - 0.055;
    signal = vec4(mix(curved, 12.92 * linear, lessThanEqual(linear, vec3(0.0031308))), 1.0);
}
