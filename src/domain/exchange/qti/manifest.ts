export const MANIFEST = "imsmanifest.xml";

/** A path within the package; null for what leads out of it. */
export function pathFrom(folder: string, href: string): string | null {
  const parts: string[] = [];
  for (const part of `${folder}/${decoded(href)}`.split("/")) {
    if (part === "..") {
      if (parts.pop() === undefined) return null;
    } else if (part !== "" && part !== ".") parts.push(part);
  }
  return parts.join("/");
}

const decoded = (href: string): string => {
  try {
    return decodeURIComponent(href.replace(/[?#].*$/, ""));
  } catch {
    return href; // a per cent sign that stands for itself
  }
};

export const folderOf = (path: string) => path.split("/").slice(0, -1).join("/");
