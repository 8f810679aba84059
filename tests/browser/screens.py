"""Screenshots for docs/screens/: a sheet per stop of the tour, with all widths in light and dark."""

import base64

from tests.browser.tour import PHONE, TABLET, WIDE

SIZES = [PHONE, TABLET, WIDE]
THEMES = ["light", "dark"]

# Draw rows of pictures at half their size, and give a WebP.
DRAW = """async (rows) => {
    const GAP = 24;
    const load = async (data) => {
        const image = new Image();
        image.src = `data:image/png;base64,${data}`;
        await image.decode();
        return image;
    };
    const images = await Promise.all(rows.map((row) => Promise.all(row.map(load))));
    const height = Math.max(...images[0].map((image) => image.height)) + GAP;
    const canvas = document.createElement("canvas");
    canvas.width = images[0].reduce((sum, { width }) => sum + width + GAP, -GAP) / 2;
    canvas.height = (images.length * height - GAP) / 2;
    const context = canvas.getContext("2d");
    context.fillStyle = "grey";
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.scale(0.5, 0.5);
    context.imageSmoothingQuality = "high";
    images.forEach((row, index) => {
        row.reduce((x, image) => {
            context.drawImage(image, x, index * height);
            return x + image.width + GAP;
        }, 0);
    });
    return canvas.toDataURL("image/webp", 0.7).split(",")[1];
}"""

DRAWN = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"


async def resize_slowly(page, size):
    """Resize the window, and wait until the page has followed."""
    await page.set_viewport_size(size)
    await page.evaluate(DRAWN)


class Album:
    def __init__(self, folder, language, table):
        self.folder, self.language = folder, language.partition("-")[0]
        self.table = table  # a page on which sheets are put together

    async def keep(self, stop, page):
        sizes = SIZES[:2] if stop.is_narrow else SIZES
        rows = [await self._take(page, theme, sizes) for theme in THEMES]
        sheet = await self.table.evaluate(DRAW, rows)
        self.folder.mkdir(exist_ok=True)
        (self.folder / f"{stop.name}.{self.language}.webp").write_bytes(base64.b64decode(sheet))

    async def _take(self, page, theme, sizes):
        await page.emulate_media(color_scheme=theme)
        taken = []
        for size in sizes:
            await resize_slowly(page, size)
            taken.append(base64.b64encode(await page.screenshot()).decode())
        return taken
