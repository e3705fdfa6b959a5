// The first administrator of a real school: `npm run create-admin -- head@school.example "Ada Head"`.
import { randomBytes } from "node:crypto";
import { type Config, ConfigError, readConfig } from "../src/config.ts";
import { createContainer } from "../src/container.ts";
import { DomainError } from "../src/domain/errors.ts";
import { createLogger } from "../src/utils/logger.ts";

const [email, name] = process.argv.slice(2);
if (!email || !name) {
  process.stderr.write('Say who it is: npm run create-admin -- head@school.example "Ada Head"\n');
  process.exit(64);
}
const config = serverConfig();
const container = await createContainer(config, createLogger({ level: "warn", pretty: true, program: "create-admin" }));
try {
  const password = randomBytes(15).toString("base64url");
  await container.services.accounts.open({ email, name, password, role: "ADMIN" });
  process.stdout.write(`${email} may log in with the password ${password}\nIt is shown only now.\n`);
} catch (error) {
  if (!(error instanceof DomainError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
} finally {
  await container.close();
}

/** The server's own: it is the server's services that make the account. */
function serverConfig(): Config {
  try {
    return readConfig();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(
      `${error.message}\nIt needs what the server needs: node --env-file=.env --import tsx prisma/createAdmin.ts …\n`,
    );
    process.exit(1);
  }
}
