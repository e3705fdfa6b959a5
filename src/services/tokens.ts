import { createHash, createPrivateKey, createPublicKey, randomBytes } from "node:crypto";
import { calculateJwkThumbprint, exportJWK, jwtVerify, SignJWT } from "jose";
import { LRUCache } from "lru-cache";
import type { UserRole } from "./actor.ts";

const ISSUER = "lectern";

/** What a verified access token says. `scope` names the viewer for the edge cache and is made from the token alone. */
export interface Claims {
  userId: string;
  role: UserRole;
  sessionId: string;
  expiresAt: number;
  scope: string;
}

export interface AccessToken {
  token: string;
  expiresAt: Date;
}

export interface Tokens {
  sign(user: { userId: string; role: UserRole; sessionId: string }): Promise<AccessToken>;
  /** The claims of a token verified before and still good, without waiting. */
  known(token: string): Claims | undefined;
  /** The claims, or null for a token that is forged, expired or not ours. */
  verify(token: string): Promise<Claims | null>;
}

/** Access tokens: short-lived JWTs signed with Ed25519. A verified one is remembered until it expires. */
export async function createTokens({
  privateKeyPem,
  ttlSeconds,
  clock,
}: {
  privateKeyPem: string;
  ttlSeconds: number;
  clock: () => Date;
}): Promise<Tokens> {
  const privateKey = createPrivateKey(privateKeyPem.replaceAll("\\n", "\n"));
  const publicKey = createPublicKey(privateKey);
  const kid = await calculateJwkThumbprint(await exportJWK(publicKey));
  const remembered = new LRUCache<string, Claims>({ max: 20_000 });

  const known = (token: string): Claims | undefined => {
    const claims = remembered.get(token);
    if (!claims || claims.expiresAt > clock().getTime()) return claims;
    remembered.delete(token);
    return undefined;
  };

  return {
    async sign({ userId, role, sessionId }) {
      const expiresAt = new Date(Math.floor(clock().getTime() / 1000 + ttlSeconds) * 1000);
      const token = await new SignJWT({ role, sid: sessionId })
        .setProtectedHeader({ alg: "EdDSA", kid })
        .setIssuer(ISSUER)
        .setSubject(userId)
        .setIssuedAt(Math.floor(clock().getTime() / 1000))
        .setExpirationTime(Math.floor(expiresAt.getTime() / 1000))
        .sign(privateKey);
      return { token, expiresAt };
    },
    known,
    async verify(token) {
      const seen = known(token);
      if (seen) return seen;
      try {
        const { payload } = await jwtVerify(token, publicKey, {
          issuer: ISSUER,
          algorithms: ["EdDSA"],
          currentDate: clock(),
          requiredClaims: ["sub", "exp", "sid", "role"],
        });
        const claims: Claims = {
          userId: payload.sub!,
          role: payload.role as UserRole,
          sessionId: payload.sid as string,
          expiresAt: payload.exp! * 1000,
          scope: `${payload.role}:${payload.sub}`,
        };
        remembered.set(token, claims);
        return claims;
      } catch {
        return null; // jose throws for every token that is not good; there is nothing to tell these apart for
      }
    },
  };
}

/** A refresh token: the session, its turn, and 256 random bits; only the hash of the whole is stored. */
export const newRefreshToken = (sessionId: string, rotation: number): string =>
  `${sessionId}.${rotation}.${randomBytes(32).toString("base64url")}`;

/** The session a refresh token claims to belong to, or null for what is none. Proves nothing. */
export function readRefreshToken(token: string): { sessionId: string; rotation: number } | null {
  const [sessionId, rotation, secret, ...rest] = token.split(".");
  if (!sessionId || !secret || rest.length > 0 || !/^\d{1,9}$/.test(rotation ?? "")) return null;
  return { sessionId, rotation: Number(rotation) };
}

/** Random tokens need no slow hash: there is nothing to guess. */
export const hashToken = (token: string): string => createHash("sha256").update(token).digest("base64url");
