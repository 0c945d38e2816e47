"""Draw the picture at the top of README.md: the results of one phantom, side by side.

    python docs/readme_picture.py             # writes docs/readme.png

Needs the extra `report`. The phantom and its seed are those of `spinalcord demo`.
"""

from __future__ import annotations

import io
from pathlib import Path

from matplotlib import pyplot as plt
from PIL import Image

from spinalcord.demo import run_demo
from spinalcord.demo.demo_run import DIAGNOSIS, SEED

TARGET = Path(__file__).with_name("readme.png")


def main() -> None:
    """Run the demo and save the figure."""
    demo = run_demo(DIAGNOSIS, SEED)
    case = demo.case
    task, explanation = list(case.explanations.items())[-1]
    figure, axes = plt.subplots(
        1, 3, figsize=(10, 3.9), layout="constrained", width_ratios=(1, 1.15, 1)
    )
    case.segmentation.plot(ax=axes[0])
    case.diagnosis.plot(ax=axes[1])
    explanation.plot(ax=axes[2])
    titles = ("segment: lesion and cord", "classify: three questions", f"explain: {task}")
    for ax, title in zip(axes, titles, strict=True):
        ax.set_title("", loc="left")
        ax.set_title(title, fontsize=10)
    figure.suptitle(f"phantom with {demo.truth}; result: {demo.answer}", fontsize=10)
    drawn = io.BytesIO()
    figure.savefig(drawn, dpi=90)
    # 128 colours: a third of the size, and no difference to see.
    Image.open(drawn).convert("RGB").quantize(128).save(TARGET, optimize=True)
    print(f"{TARGET}: {TARGET.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    main()
