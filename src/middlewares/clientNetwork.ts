const IPV4_IN_IPV6 = "::ffff:";

/**
 * Whom an IP address stands for when tries are counted: an IPv4 address for itself, an IPv6 address for its /64,
 * which is what one household or one rented server gets and can take any address from.
 */
export function clientNetwork(ip: string | null): string {
  if (ip === null) return "unknown";
  if (!ip.includes(":")) return ip;
  if (ip.startsWith(IPV4_IN_IPV6) && ip.includes(".")) return ip.slice(IPV4_IN_IPV6.length);
  const [head = "", tail = ""] = ip.split("%")[0]!.split("::");
  const [first, last] = [groupsOf(head), groupsOf(tail)];
  const zeros = ip.includes("::") ? Array(Math.max(0, 8 - first.length - last.length)).fill("0") : [];
  const groups = [...first, ...zeros, ...last].slice(0, 4);
  return `${groups.map((group) => Number.parseInt(group, 16).toString(16)).join(":")}::/64`;
}

const groupsOf = (part: string): string[] => part.split(":").filter(Boolean);
