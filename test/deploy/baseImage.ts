import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, realpathSync, symlinkSync } from "node:fs";
import path from "node:path";

export type Run = (command: string, ...args: string[]) => string;

/**
 * Something like Docker's `node:…-bookworm-slim` where no registry can be reached: the smallest Debian with this machine's
 * Node and npm, and a user `node`. Made in `folder`; needs debootstrap and root.
 */
export function makeBaseImage({ folder, buildah, name }: { folder: string; buildah: Run; name: string }): void {
  const root = path.join(folder, "rootfs");
  const run = (command: string, ...args: string[]) =>
    execFileSync(command, args, { stdio: ["ignore", "pipe", "pipe"] });
  run("debootstrap", "--variant=minbase", "--include=ca-certificates", "bookworm", root);

  const node = path.join(root, "usr/local/bin/node");
  const npm = path.resolve(realpathSync(run("which", "npm").toString().trim()), "../..");
  const modules = path.join(root, "usr/local/lib/node_modules");
  mkdirSync(modules, { recursive: true });
  cpSync(realpathSync(process.execPath), node);
  cpSync(npm, path.join(modules, "npm"), { recursive: true });
  for (const program of ["npm", "npx"])
    symlinkSync(`../lib/node_modules/npm/bin/${program}-cli.js`, path.join(root, "usr/local/bin", program));
  run("chroot", root, "useradd", "--uid", "1000", "--user-group", "--create-home", "node");
  const certificates = "/etc/ssl/certs/ca-certificates.crt"; // a machine behind a proxy has more of them than Debian
  if (existsSync(certificates)) cpSync(certificates, path.join(root, certificates));

  const container = buildah("from", "scratch").trim();
  buildah("add", "--quiet", container, root, "/");
  buildah("config", "--env", `NODE_EXTRA_CA_CERTS=${certificates}`, "--cmd", "node", container);
  buildah("commit", "--quiet", "--format", "docker", container, name);
  buildah("rm", container);
}
