import { BlockList, isIP } from "node:net";
import { z } from "zod";

const IPV4_IN_IPV6 = /^::ffff:(?=\d+\.)/i;
const MOST = 200;

/** An address as people write it: an IPv4 address that came in the form of IPv6 is an IPv4 address. */
export const plainAddress = (ip: string): string => ip.replace(IPV4_IN_IPV6, "");

/** An address or a network in CIDR form, in parts; null for what is neither. */
function partsOf(entry: string): { address: string; family: "ipv4" | "ipv6"; bits: number | null } | null {
  const [text = "", prefix, ...rest] = entry.split("/");
  const address = plainAddress(text);
  const version = text.includes("%") ? 0 : isIP(address); // a zone is one machine's own name for a wire
  if (version === 0 || rest.length > 0) return null;
  const family = version === 4 ? "ipv4" : "ipv6";
  if (prefix === undefined) return { address, family, bits: null };
  if (!/^\d{1,3}$/.test(prefix)) return null;
  const bits = Number(prefix) - (address === text ? 0 : 96);
  return bits >= 0 && bits <= (version === 4 ? 32 : 128) ? { address, family, bits } : null;
}

/** Addresses and networks, as staff give them. Null and an empty list are the same. */
export const addressList = z
  .array(
    z.string().transform((given, context) => {
      const entry = given.trim();
      if (partsOf(entry)) return entry;
      const shown = JSON.stringify(given.slice(0, 60));
      const message = `${shown} is neither an IP address nor a network such as 192.0.2.0/24 or 2001:db8::/32`;
      context.addIssue({ code: "custom", message });
      return z.NEVER;
    }),
  )
  .max(MOST, `has at most ${MOST} entries`)
  .nullish()
  .transform((entries) => (entries === null ? [] : entries));

/** Whether an address is in a list that was taken by `addressList`. An address that is not known is in none. */
export function addressMatcher(entries: readonly string[]): (ip: string | null) => boolean {
  const list = new BlockList();
  for (const entry of entries) {
    const { address, family, bits } = partsOf(entry)!;
    if (bits === null) list.addAddress(address, family);
    else list.addSubnet(address, bits, family);
  }
  return (ip) => {
    const address = plainAddress((ip ?? "").split("%")[0]!);
    return isIP(address) !== 0 && list.check(address, isIP(address) === 4 ? "ipv4" : "ipv6");
  };
}
