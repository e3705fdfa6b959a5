// The one door to graphql-shield: its ES module does not load on Node 23 and later, where `util.isUndefined` is gone.
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);
const util = require("node:util") as { isUndefined?: (value: unknown) => boolean };
util.isUndefined ??= (value) => value === undefined;

export const { shield, rule, allow, deny } = require("graphql-shield") as typeof import("graphql-shield");
// Shield recognises its own generator by class, so both must be loaded in the same way.
export const { applyMiddleware } = require("graphql-middleware") as typeof import("graphql-middleware");
