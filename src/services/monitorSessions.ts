import type { Db } from "../../prisma/client.ts";
import { forbidden } from "../domain/errors.ts";
import { normalAddress } from "../domain/person.ts";
import type { User as UserRow } from "../generated/prisma/client.ts";
import type { UserRole } from "./actor.ts";
import { endSession } from "./endSessions.ts";
import { isUuid } from "./ids.ts";
import { type Secrets, sameText } from "./secrets.ts";
import type { Credentials, SessionService } from "./session.service.ts";
import type { Client } from "./tokenRotation.ts";
import type { Tokens } from "./tokens.ts";

/** Somebody who may look at the monitor's pages. */
export interface MonitorViewer {
  userId: string;
  role: UserRole;
  sessionId: string;
  email: string;
  mayAct: boolean;
}

export const IDLE_MINUTES = 30;

const mayNotLook = () =>
  forbidden(
    "This account may not look at the monitor. It takes an administrator, or an address in MONITOR_READERS, that is verified, with the second factor where the role must use one.",
  );

export type MonitorSessions = ReturnType<typeof createMonitorSessions>;

/**
 * Who may look at the monitor's pages, and who may act on them. A viewer's session is an ordinary one of the account, which ends
 * with all others; what the browser keeps is its id and when it was last used, signed. So it does not need Redis,
 * and the pages can say that Redis is away.
 */
export function createMonitorSessions({
  db,
  sessions,
  tokens,
  secondFactor,
  secrets,
  readers,
  clock,
}: {
  db: Db;
  sessions: Pick<SessionService, "login">;
  tokens: Pick<Tokens, "verify">;
  secondFactor: { isMissing(user: UserRow): boolean };
  secrets: Secrets;
  /** Addresses of accounts that may look. */
  readers: readonly string[];
  clock: () => Date;
}) {
  const readerAddresses = new Set(readers.map(normalAddress));
  const seconds = () => Math.floor(clock().getTime() / 1000);

  /** Whose session it is, where it has not ended and the account may look now. */
  async function find(sessionId: string): Promise<MonitorViewer | null> {
    const session = await db.session.findFirst({
      where: { id: sessionId, revokedAt: null, expiresAt: { gt: clock() }, user: { disabledAt: null } },
      select: { user: true },
    });
    if (!session) return null;
    const { user } = session;
    const mayAct = user.role === "ADMIN";
    // An address that nobody has verified may be anybody's.
    if (!user.emailVerifiedAt || !(mayAct || readerAddresses.has(user.email))) return null;
    if (secondFactor.isMissing(user)) return null;
    return { userId: user.id, role: user.role, sessionId, email: user.email, mayAct };
  }

  return {
    /**
     * Begins a session of an account that may look.
     * @throws UNAUTHENTICATED (WRONG_CREDENTIALS, SECOND_FACTOR_REQUIRED, WRONG_CODE), FORBIDDEN
     */
    async logIn(credentials: Credentials, client: Client, requestId: string): Promise<MonitorViewer> {
      const claims = await tokens.verify((await sessions.login(credentials, client, requestId)).accessToken);
      const viewer = claims && (await find(claims.sessionId));
      if (viewer) return viewer;
      if (claims) await endSession(db, claims.sessionId, clock());
      throw mayNotLook();
    },

    /** What the browser keeps of a session; it is good until it was not used for {@link IDLE_MINUTES}. */
    ticketFor({ sessionId }: MonitorViewer): string {
      const content = `${sessionId}.${seconds()}`;
      return `${content}.${secrets.hash("monitor session", content)}`;
    },

    /** Who comes with this ticket. Asks the database, so that an account that was disabled or lost its role is out at once. */
    async recognise(ticket: string): Promise<MonitorViewer | null> {
      const [sessionId = "", usedAt = "", signature = ""] = ticket.split(".");
      if (!sameText(signature, secrets.hash("monitor session", `${sessionId}.${usedAt}`))) return null;
      if (!isUuid(sessionId) || Number(usedAt) + IDLE_MINUTES * 60 < seconds()) return null;
      return find(sessionId);
    },

    /** What a form of this session's pages has to bring along, which no other site's page can know. */
    formToken: ({ sessionId }: MonitorViewer): string => secrets.hash("monitor form", sessionId),

    /** Ends the session. Safe to repeat. */
    async logOut({ sessionId }: MonitorViewer): Promise<void> {
      await endSession(db, sessionId, clock());
    },
  };
}
