/** The items with those that are not pinned put in another order; the pinned ones keep their places. */
export function reorderUnpinned<Item extends { pinned?: boolean | undefined }>(
  items: readonly Item[],
  reorder: (free: Item[]) => Item[],
): Item[] {
  const free = reorder(items.filter(({ pinned }) => !pinned)).values();
  return items.map((item) => (item.pinned ? item : (free.next().value ?? item)));
}
