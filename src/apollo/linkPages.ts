import type { FastifyInstance } from "fastify";

interface LinkPage {
  path: string;
  title: string;
  button: string;
  /** Takes `$token`, and `$password` where the page asks for one. */
  operation: string;
  asksForPassword: boolean;
  done: string;
}

/** Where the links of mails lead. Each does its mutation when its button is pressed: mail programs that look ahead use nothing up. */
const PAGES: LinkPage[] = [
  {
    path: "/verify-email",
    title: "Confirm your address",
    button: "Confirm the address",
    operation: "mutation ($token: String!) { result: verifyEmail(token: $token) { email } }",
    asksForPassword: false,
    done: "The address is confirmed.",
  },
  {
    path: "/reset-password",
    title: "Set a new password",
    button: "Set the password",
    operation:
      "mutation ($token: String!, $password: String!) { result: resetPassword(token: $token, newPassword: $password) { email } }",
    asksForPassword: true,
    done: "The new password is set. Log in with it.",
  },
  {
    path: "/accept-invitation",
    title: "Take your account into use",
    button: "Set the password",
    operation:
      "mutation ($token: String!, $password: String!) { result: acceptInvitation(token: $token, password: $password) { email } }",
    asksForPassword: true,
    done: "The account is yours. Log in with your password.",
  },
];

const PASSWORD_FIELD = `<p><label>New password, 10 to 200 characters<br>
    <input type="password" name="password" autocomplete="new-password" minlength="10" maxlength="200" required></label></p>`;

const html = ({ title, button, operation, asksForPassword, done }: LinkPage) => `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<style>
  body { max-width: 30rem; margin: 3rem auto; padding: 0 1rem; font: 16px/1.5 system-ui, sans-serif; }
  input, button { font: inherit; padding: 0.4rem 0.8rem; }
  input { width: 100%; box-sizing: border-box; }
</style>
<h1>${title}</h1>
<form>
  ${asksForPassword ? PASSWORD_FIELD : ""}
  <button>${button}</button>
</form>
<p role="status"></p>
<noscript>This page needs JavaScript.</noscript>
<script>
  const operation = ${JSON.stringify(operation)};
  const form = document.querySelector("form");
  const status = document.querySelector("[role=status]");
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    status.textContent = "…";
    const token = new URLSearchParams(location.search).get("token") ?? "";
    const variables = { token, ...Object.fromEntries(new FormData(form)) };
    try {
      const response = await fetch("/graphql", {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ query: operation, variables }),
      });
      const { data, errors } = await response.json();
      if (errors) throw new Error(errors[0].message);
      form.hidden = true;
      status.textContent = data.result.email + ": " + ${JSON.stringify(done)};
    } catch (error) {
      status.textContent = error.message;
    }
  });
</script>
</html>
`;

/** Stands in for a front end where there is none, so that the links in mails can be followed. For development. */
export function linkPages(app: FastifyInstance): void {
  for (const page of PAGES) {
    app.get(page.path, (_request, reply) =>
      reply
        .type("text/html")
        .headers({
          "cache-control": "no-store",
          // The address of the page holds the token.
          "referrer-policy": "no-referrer",
          "content-security-policy":
            "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; frame-ancestors 'none'",
        })
        .send(html(page)),
    );
  }
}
