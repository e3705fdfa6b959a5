/** Whether a point "x y" lies in a shape of QTI; its border belongs to it. */
export function isInside(shape: string, coords: string, point: string): boolean {
  const [x = Number.NaN, y = Number.NaN] = point.split(" ").map(Number);
  const at = coords.split(/[\s,]+/).map(Number);
  const [a = 0, b = 0, c = 0, d = 0] = at;
  switch (shape) {
    case "default":
      return true;
    case "rect":
      return x >= a && x <= c && y >= b && y <= d;
    case "circle":
      return (x - a) ** 2 + (y - b) ** 2 <= c ** 2;
    case "ellipse":
      return ((x - a) / c) ** 2 + ((y - b) / d) ** 2 <= 1;
    default:
      return isInPolygon(at, x, y);
  }
}

/** Counts the edges a ray to the right crosses. */
function isInPolygon(coords: number[], x: number, y: number): boolean {
  let isIn = false;
  for (let at = 0, before = coords.length - 2; at < coords.length - 1; before = at, at += 2) {
    const [x1, y1, x2, y2] = [coords[at]!, coords[at + 1]!, coords[before]!, coords[before + 1]!];
    const across = (x - x1) * (y2 - y1) - (y - y1) * (x2 - x1);
    const isBetween = (x - x1) * (x - x2) <= 0 && (y - y1) * (y - y2) <= 0;
    if (across === 0 && isBetween) return true;
    if (y1 > y !== y2 > y && x < ((x2 - x1) * (y - y1)) / (y2 - y1) + x1) isIn = !isIn;
  }
  return isIn;
}
