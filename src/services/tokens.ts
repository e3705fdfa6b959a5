import { createHash, createPrivateKey, createPublicKey, type KeyObject } from "node:crypto";
import { calculateJwkThumbprint, exportJWK, type JWK, jwtVerify, SignJWT } from "jose";
import { LRUCache } from "lru-cache";
import type { UserRole } from "./actor.ts";

const ISSUER = "lectern";
const ALGORITHM = "EdDSA";

/** What a verified access token says. `scope` names the viewer for the edge cache and is made from the token alone. */
export interface Claims {
  userId: string;
  role: UserRole;
  sessionId: string;
  /** The role asks for a second factor that is not set up. */
  secondFactorMissing: boolean;
  expiresAt: number;
  scope: string;
}

export interface AccessToken {
  token: string;
  expiresAt: Date;
}

export interface Tokens {
  sign(viewer: Pick<Claims, "userId" | "role" | "sessionId" | "secondFactorMissing">): Promise<AccessToken>;
  /** The claims of a token verified before and still good, without waiting. */
  known(token: string): Claims | undefined;
  /** The claims, or null for a token that is forged, expired or not ours. */
  verify(token: string): Promise<Claims | null>;
  /** What anybody needs to verify our tokens (RFC 7517), the key that signs first. */
  keySet: { keys: JWK[] };
}

interface Key {
  privateKey: KeyObject;
  publicKey: KeyObject;
  jwk: JWK & { kid: string };
}

async function readKey(pem: string): Promise<Key> {
  const privateKey = createPrivateKey(pem.replaceAll("\\n", "\n"));
  const publicKey = createPublicKey(privateKey);
  const jwk = await exportJWK(publicKey);
  const kid = await calculateJwkThumbprint(jwk);
  return { privateKey, publicKey, jwk: { ...jwk, kid, alg: ALGORITHM, use: "sig" } };
}

/**
 * Access tokens: short-lived JWTs signed with Ed25519. A verified one is remembered until it expires.
 * Tokens of the previous keys are believed too; none is signed with them.
 */
export async function createTokens({
  privateKeyPem,
  previousKeyPems,
  ttlSeconds,
  clock,
}: {
  privateKeyPem: string;
  previousKeyPems: readonly string[];
  ttlSeconds: number;
  clock: () => Date;
}): Promise<Tokens> {
  const keys = await Promise.all([privateKeyPem, ...previousKeyPems].map(readKey));
  const { privateKey, jwk } = keys[0]!;
  const believed = new Map(keys.map((key) => [key.jwk.kid, key]));
  const remembered = new LRUCache<string, Claims>({ max: 20_000 });

  function publicKeyOf(kid: string | undefined): KeyObject {
    const key = kid !== undefined && believed.get(kid);
    if (!key) throw new Error("The token was not signed with a key of ours.");
    return key.publicKey;
  }

  const known = (token: string): Claims | undefined => {
    const claims = remembered.get(token);
    if (!claims || claims.expiresAt > clock().getTime()) return claims;
    remembered.delete(token);
    return undefined;
  };

  return {
    async sign({ userId, role, sessionId, secondFactorMissing }) {
      const expiresAt = new Date(Math.floor(clock().getTime() / 1000 + ttlSeconds) * 1000);
      const token = await new SignJWT({ role, sid: sessionId, ...(secondFactorMissing && { setup: true }) })
        .setProtectedHeader({ alg: ALGORITHM, kid: jwk.kid })
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
        const { payload } = await jwtVerify(token, ({ kid }) => publicKeyOf(kid), {
          issuer: ISSUER,
          algorithms: [ALGORITHM],
          currentDate: clock(),
          requiredClaims: ["sub", "exp", "sid", "role"],
        });
        const claims: Claims = {
          userId: payload.sub!,
          role: payload.role as UserRole,
          sessionId: payload.sid as string,
          secondFactorMissing: payload.setup === true,
          expiresAt: payload.exp! * 1000,
          scope: `${payload.role}:${payload.sub}${payload.setup === true ? ":setup" : ""}`,
        };
        remembered.set(token, claims);
        return claims;
      } catch {
        return null; // jose throws for every token that is not good; there is nothing to tell these apart for
      }
    },
    keySet: { keys: [...believed.values()].map((key) => key.jwk) },
  };
}

/** Random tokens need no slow hash: there is nothing to guess. */
export const hashToken = (token: string): string => createHash("sha256").update(token).digest("base64url");
