import { ZipFile } from "yazl";

/** A zip file. */
export async function zipOf(files: Record<string, string | Uint8Array>, compress = true): Promise<Uint8Array> {
  const zip = new ZipFile();
  for (const [path, content] of Object.entries(files)) zip.addBuffer(Buffer.from(content), path, { compress });
  zip.end();
  const pieces: Uint8Array[] = [];
  for await (const piece of zip.outputStream) pieces.push(piece as Uint8Array);
  return Buffer.concat(pieces);
}

/** One that lists items. */
export const manifest = (hrefs: readonly string[]) =>
  `<manifest><resources>${hrefs.map((href) => `<resource type="imsqti_item_xmlv2p1" href="${href}"/>`).join("")}</resources></manifest>`;
