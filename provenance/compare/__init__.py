"""A verified pair -> what differs, measured: alignment, tone, change mask, regions, text, replay.

    align      the pair in one frame: refine (reference_from_query refined on the dense picture, by the motion
               models of motion), warp (the reference resampled as editors would)
    framing    what happened to the frame, read off the homography
    tone       whole-picture tone and colour: brightness, contrast, saturation, balance, greyscale, curves
    style      whole-picture blur, sharpening, noise
    residual   what is left after alignment and tone -> change map and mask
    regions    mask -> regions -> what happened in each: grouping (pixels into regions), evidence and classify
               (one region judged by both sides), backgrounds, sources (copies and moves), colors (words)
    faces      whether what was changed is a face
    text       words in changed regions, before and after
    quantized  palettes of GIF and 8-bit PNG: encoding, not an edit
    replay     the listed whole-picture edits applied to the reference

Parameters of each operation (keys of `Change.parameters`); every operation lists its own and no others. A key
in parentheses is there only where the simple recipe would not repeat the edit:

    crop               kept_percent (of the reference's area), left_percent, top_percent, right_percent,
                       bottom_percent (cut off each side of the reference); reference_box = what was kept
    pad                left_px, top_px, right_px, bottom_px (query pixels), color "#rrggbb"; box = the picture
                       inside
    rotate             degrees (counter-clockwise positive, -180..180), (fill "#rrggbb" of the empty corners)
    flip               axis "horizontal" (left-right mirrored) | "vertical"
    perspective        corner_shift_percent (largest corner shift, of the diagonal), (fill as for rotate)
    stretch            factor (width over height, against the original; 1.2 = 20 % wider)
    brightness         percent (of the mean level, signed), stops, sign,
                       (offset_levels or gamma instead of a gain)
    contrast           percent (of the slope, signed), factor, sign, pivot_level (the level that stays)
    saturation         percent (signed), factor, sign, (about "value" | "lightness": as HSV or HSL have it)
    color_balance      sign (+1 warmer, -1 cooler, 0 another tint), tint "warmer" | "cooler" | "greener" |
                       "more magenta", red_percent, green_percent, blue_percent (gains of the channels),
                       (added: true where they are shares of 255 added; curve_rgb, matrix [3, 4] or
                       hue_degrees, the turn of all hues, instead)
    grayscale          kind "gray" | "sepia" | "tinted", (curve_rgb from the grey level to the tint)
    tone               kind "curve" | "inverted" | "posterized" | "vignette" | "shadows" | "highlights",
                       mean_shift_levels (of the picture, signed), sign, (curve_rgb: control points
                       [x, r, g, b]), (posterized: levels a channel, spread true where they reach white),
                       (vignette: falloff_percent [a, b]: gain 1 + a r^2 + b r^4, r = 1 in the corners)
    blur               sigma_px (query pixels), (kind "denoised": detail smoothed, edges spared)
    sharpen            percent, sigma_px
    noise              sigma_levels (0..255)
    composite          area_percent (of the query that shows the reference); box = where the reference lies in
                       the query
    object_added | object_removed | object_replaced
                       area_percent (of the query), difference_levels (mean, 0..255)
                       (noun "face", or "with_face" where a face is only a part of it: seen on the sides
                       that it takes, by the detector of faces.py; also of object_blurred)
    object_recolored   the same, and from_color, to_color (plain colour words), hue_degrees
    object_duplicated  the same, and source_box [x0, y0, x1, y1] in query pixels, moved (true when the
                       source is gone)
    object_blurred     the same, and kind "blurred" | "pixelated" | "filled", sigma_px or block_px
    text_added | text_removed | text_changed
                       area_percent, difference_levels; text_before and text_after are on the change itself
    background_replaced | background_changed
                       area_percent, difference_levels, and kind (changed only): "blurred" | "darkened" |
                       "brightened" | "recolored" | "desaturated"
"""

from provenance.compare.pair import compare

__all__ = ["compare"]
