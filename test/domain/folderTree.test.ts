import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { DomainError } from "../../src/domain/errors.ts";
import {
  foldersById,
  MAX_FOLDER_DEPTH,
  pathTo,
  requirePlace,
  type StoredFolder,
  sumsWithin,
} from "../../src/domain/folderTree.ts";

/** What a person may try: a new folder, or one that is there moved or renamed. Which is meant counts from the oldest. */
const anAct = fc.record({
  folder: fc.option(fc.nat({ max: 30 })),
  parent: fc.option(fc.nat({ max: 30 })),
  name: fc.constantFrom("Algebra", "algebra", "Biology", "Chemistry"),
});

/** A tree that grew by what was allowed of these acts, and why the others were refused. */
function grown(acts: readonly { folder: number | null; parent: number | null; name: string }[]) {
  let folders: StoredFolder[] = [];
  const refusals: string[] = [];
  for (const [at, { folder, parent, name }] of acts.entries()) {
    const parentId = parent === null ? null : (folders[parent % (folders.length || 1)]?.id ?? null);
    const moved = folder === null ? undefined : folders[folder % (folders.length || 1)];
    const wanted = { id: moved?.id ?? `f${at}`, parentId, name };
    try {
      requirePlace(folders, wanted);
      folders = [...folders.filter(({ id }) => id !== wanted.id), wanted];
    } catch (error) {
      if (!(error instanceof DomainError)) throw error;
      refusals.push(error.reason ?? error.code);
    }
  }
  return { folders, refusals };
}

/** Of `length` folders, each in the one before. */
const aChain = (length: number): StoredFolder[] =>
  Array.from({ length }, (_, at) => ({ id: `c${at}`, parentId: at === 0 ? null : `c${at - 1}`, name: `Level ${at}` }));

const refusalOf = (folders: StoredFolder[], wanted: StoredFolder) => {
  try {
    requirePlace(folders, wanted);
    return null;
  } catch (error) {
    return (error as DomainError).reason ?? (error as DomainError).code;
  }
};

describe("a tree of folders", () => {
  it("stays a tree of bounded depth with no two alike in one place, whatever is tried", () => {
    fc.assert(
      fc.property(fc.array(anAct, { maxLength: 60 }), (acts) => {
        const { folders } = grown(acts);
        const byId = foldersById(folders);
        const paths = folders.map((folder) => pathTo(byId, folder)); // would not come back from a cycle
        expect(Math.max(0, ...paths.map(({ length }) => length))).toBeLessThanOrEqual(MAX_FOLDER_DEPTH);
        const names = paths.map((path) => path.map(({ name }) => name.toLowerCase()).join("/"));
        expect(new Set(names).size).toBe(folders.length);
      }),
    );
  });

  it("counts every question once in each folder above it", () => {
    fc.assert(
      fc.property(
        fc.array(anAct, { maxLength: 40 }),
        fc.array(fc.nat({ max: 5 }), { minLength: 40 }),
        (acts, counts) => {
          const { folders } = grown(acts);
          const own = new Map(folders.map(({ id }, at) => [id, counts[at]!]));
          const sums = sumsWithin(folders, ({ id }) => own.get(id)!);
          for (const { id } of folders) {
            const below = folders.filter(({ parentId }) => parentId === id);
            expect(sums.get(id)).toBe(below.reduce((sum, folder) => sum + sums.get(folder.id)!, own.get(id)!));
          }
        },
      ),
    );
  });

  it("refuses a move into the folder itself or below it", () => {
    const chain = aChain(3);
    expect(refusalOf(chain, { ...chain[0]!, parentId: "c0" })).toBe("FOLDER_CYCLE");
    expect(refusalOf(chain, { ...chain[0]!, parentId: "c2" })).toBe("FOLDER_CYCLE");
    expect(refusalOf(chain, { ...chain[2]!, parentId: "c0" })).toBeNull();
  });

  it("counts what is in a folder when it is moved into the deep", () => {
    const chain = aChain(MAX_FOLDER_DEPTH - 1);
    const pair = [
      { id: "outer", parentId: null, name: "Outer" },
      { id: "inner", parentId: "outer", name: "Inner" },
    ];
    const all = [...chain, ...pair];
    expect(refusalOf(all, { ...pair[0]!, parentId: `c${MAX_FOLDER_DEPTH - 3}` })).toBeNull();
    expect(refusalOf(all, { ...pair[0]!, parentId: `c${MAX_FOLDER_DEPTH - 2}` })).toBe("FOLDER_TOO_DEEP");
  });

  it("refuses a name that a sibling has, and a parent that is not there", () => {
    const chain = aChain(2);
    expect(refusalOf(chain, { id: "new", parentId: "c0", name: "LEVEL 1" })).toBe("FOLDER_NAME_TAKEN");
    expect(refusalOf(chain, { id: "new", parentId: "c1", name: "Level 1" })).toBeNull();
    expect(refusalOf(chain, { id: "new", parentId: "elsewhere", name: "New" })).toBe("NOT_FOUND");
  });
});
