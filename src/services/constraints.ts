import { Prisma } from "../generated/prisma/client.ts";

/** Whether the database refused a row because of this unique index. */
export function isUniqueViolation(error: unknown, index: string): boolean {
  if (!(error instanceof Prisma.PrismaClientKnownRequestError) || error.code !== "P2002") return false;
  const adapterError = error.meta?.driverAdapterError as
    | { cause?: { constraint?: { index?: string; fields?: string[] } } }
    | undefined;
  const constraint = adapterError?.cause?.constraint;
  return constraint?.index === index || index.includes(constraint?.fields?.join("_") ?? "\0");
}
