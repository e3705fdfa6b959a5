import { DomainError, unavailable } from "../domain/errors.ts";

/** What nodemailer tells about a failure. */
interface SmtpError extends Error {
  code?: string;
  /** The code of the system's error below, e.g. ECONNREFUSED. */
  originalCode?: string;
  responseCode?: number;
  /** Of the response: whether the same mail would get it again. */
  permanent?: boolean;
  command?: string;
}

const CERTIFICATE = /CERT|ISSUER|LEAF_SIGNATURE|INVALID_CA|INVALID_PURPOSE|PATH_LENGTH|HOSTNAME_MISMATCH/;
const RETRY_SECONDS = 2;

const refusal = (reason: string, message: string, cause?: Error) =>
  new DomainError("UNPROCESSABLE", message, { reason, cause });

export const addressRefused = (answered = "", cause?: Error) =>
  refusal("MAIL_REFUSED", `The mail server refuses the address${answered}.`, cause);

/**
 * Why a mail was not sent, in a sentence for whoever waits for it; what the mail server said is the cause, for the log.
 * A refusal (UNPROCESSABLE) would come again, an outage (SERVICE_UNAVAILABLE) may pass.
 */
export function toMailError(error: SmtpError): DomainError {
  const { code, responseCode, permanent } = error;
  const answered = responseCode ? ` (${responseCode})` : "";
  const mayPass = responseCode !== undefined && !permanent;

  if (CERTIFICATE.test(error.originalCode ?? ""))
    return refusal(
      "MAIL_SERVER_REFUSED",
      "The mail server's certificate is not trusted. If it is the right server, name its authority in NODE_EXTRA_CA_CERTS, and use the host name the certificate is for.",
      error,
    );
  if (code === "ETLS" && error.command === "STARTTLS" && !mayPass)
    return refusal(
      "MAIL_SERVER_REFUSED",
      "The mail server offers no encryption, and without it the password is not sent. Correct SMTP_URL, or let the server offer STARTTLS.",
      error,
    );
  if (code === "EAUTH" && !mayPass)
    return refusal(
      "MAIL_SERVER_REFUSED",
      `The mail server does not accept our user name and password${answered}. Correct SMTP_URL.`,
      error,
    );
  if (code === "EENVELOPE" && (permanent || responseCode === undefined)) return addressRefused(answered, error);
  if (permanent) return refusal("MAIL_REFUSED", `The mail server refuses the mail${answered}.`, error);
  if (responseCode !== undefined)
    return unavailable(`The mail server asks to try again later${answered}.`, RETRY_SECONDS, error);
  return unavailable("The mail server cannot be reached.", RETRY_SECONDS, error);
}
