import { generateSecret, generateURI, verify } from "otplib";

/** Under this name authenticator apps list the account. */
const ISSUER = "Lectern";
const STEP_SECONDS = 30;
const CODE = /^\d{6}$/;

export const isTotpCode = (text: string): boolean => CODE.test(text);

/** 160 random bits in base32. */
export const newTotpSecret = (): string => generateSecret();

/** The secret as an address that authenticator apps read from a QR code. */
export const otpauthUrl = (secret: string, account: string): string =>
  generateURI({ issuer: ISSUER, label: account, secret });

/**
 * The 30-second step whose code this is, by RFC 6238; null if it is none of the step at this time, the one before and the
 * one after: clocks differ, and typing takes a while.
 */
export async function totpStep(secret: string, code: string, at: Date): Promise<number | null> {
  if (!isTotpCode(code)) return null;
  const epoch = Math.floor(at.getTime() / 1000);
  const result = await verify({ secret, token: code, epoch, epochTolerance: STEP_SECONDS });
  return result.valid && "timeStep" in result ? result.timeStep : null;
}
