/** What matters of a Redis server to those who keep something in it. */
export interface ServerInfo {
  program: "Redis" | "Valkey";
  version: string;
  /** `noeviction`, or how keys are thrown out when the memory is full. */
  maxMemoryPolicy: string;
}

/**
 * Reads the answer to INFO, which every user of a server may ask for, also where CONFIG is closed.
 * Valkey counts for itself; the `redis_version` it tells beside it is only the Redis it takes the place of.
 */
export function readServerInfo(info: string): ServerInfo {
  const field = (name: string) => new RegExp(`^${name}:(.*?)\\r?$`, "m").exec(info)?.[1];
  const valkey = field("valkey_version");
  return {
    program: valkey === undefined ? "Redis" : "Valkey",
    version: valkey ?? field("redis_version") ?? "",
    maxMemoryPolicy: field("maxmemory_policy") ?? "",
  };
}

/** Compares versions such as 7.0.15 number by number. */
export function isOlder(version: string, minimum: string): boolean {
  return version.localeCompare(minimum, "en", { numeric: true }) < 0;
}
