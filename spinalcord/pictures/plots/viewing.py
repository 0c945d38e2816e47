"""A slider through the slices of a scan, for notebooks."""

from __future__ import annotations

from typing import Any

from ...extras import require
from ..mosaic import draw_mosaic
from ..scene import Scene

HEIGHT_PX = 420


def view_scene(scene: Scene, *, margin_mm: float | None = None) -> Any:
    """Show one slice at a time, with a slider, a switch for outlines and the map's opacity.

    Parameters
    ----------
    scene : Scene
        The scan and what lies on it.
    margin_mm : float, optional
        Margin around the lesions; whole slices if not given.

    Returns
    -------
    ipywidgets VBox
        A notebook shows it. Its children are the slider (slices from the patient's left to the
        right), the switch, the opacity (where there is a map) and the picture.

    Raises
    ------
    InputError
        Without ipywidgets; a margin below 0.
    """
    widgets = require("ipywidgets", "notebook", "view()")
    slider = widgets.IntSlider(
        scene.main_slice, 0, scene.n_slices - 1, description="L → R", readout=False
    )
    outline = widgets.Checkbox(value=True, description="outlines", indent=False)
    opacity = widgets.FloatSlider(1.0, min=0.0, max=1.0, step=0.05, description="map")
    picture = widgets.HTML()
    grey_span = scene.grey_span(range(scene.n_slices), scene.crop(margin_mm))

    def draw(_: Any = None) -> None:
        mosaic = draw_mosaic(
            scene,
            [scene.scan.stored_slice(slider.value)],
            margin_mm=margin_mm,
            max_side=2 * HEIGHT_PX,
            height_px=HEIGHT_PX,
            outline=outline.value,
            opacity=opacity.value,
            grey_span=grey_span,
        )
        picture.value = mosaic.to_html()

    controls = [slider, outline] + [opacity] * (scene.heat is not None)
    for control in controls:
        control.observe(draw, "value")
    draw()
    return widgets.VBox([*controls, picture])
