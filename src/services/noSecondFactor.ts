import type { Prisma } from "../generated/prisma/client.ts";

/** Written to a person's row, forgets the second factor and its recovery codes. */
export const NO_SECOND_FACTOR = {
  totpSecret: null,
  totpConfirmedAt: null,
  totpLastStep: null,
  recoveryCodes: { deleteMany: {} },
} satisfies Prisma.UserUpdateInput;
