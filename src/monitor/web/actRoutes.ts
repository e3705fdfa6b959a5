import type { FastifyInstance } from "fastify";
import { DomainError, notFound } from "../../domain/errors.ts";
import { STATUS } from "../../middlewares/httpStatus.ts";
import type { ActName } from "../../queues/queueActs.ts";
import type { OperationsService } from "../../services/operations.service.ts";
import { fieldsOf, type Given, inputFrom, inWords } from "./actForm.ts";
import { actList, askPage, donePage, previewPage, type ShownAct } from "./actPages.ts";
import { type Guard, requireActing } from "./guard.ts";
import type { Html } from "./html.ts";
import { page } from "./layout.ts";

type Acts = OperationsService["acts"];

/** The table of acts, for forms and buttons. */
export const shownActs = (acts: Acts): (ShownAct & { name: ActName })[] =>
  (Object.keys(acts) as ActName[]).map((name) => ({ name, says: acts[name].says, fields: fieldsOf(acts[name].input) }));

/** One page for every act: it asks, shows what would be done, and does it when that is confirmed. For administrators. */
export function actRoutes(
  app: FastifyInstance,
  { operations, guard }: { operations: Pick<OperationsService, "acts" | "act">; guard: Guard },
): void {
  const acts = new Map(shownActs(operations.acts).map((act) => [act.name as string, act]));
  const actNamed = (name: string) => {
    const act = acts.get(name);
    if (!act) throw notFound("act");
    return act;
  };

  app.get("/acts", async (request, reply) => {
    requireActing(request);
    const main = actList([...acts.values()]);
    return reply.type("text/html").send(page(guard.visitOf(request), { title: "Acts", at: "/acts", main }));
  });

  app.get<{ Params: { name: string }; Querystring: Given }>("/acts/:name", async (request, reply) => {
    requireActing(request);
    const act = actNamed(request.params.name);
    const visit = guard.visitOf(request);
    const main = askPage(act, request.query, visit.formToken);
    return reply.type("text/html").send(page(visit, { title: inWords(act.name), at: "/acts", main }));
  });

  app.post<{ Params: { name: string }; Body: Given }>("/acts/:name", async (request, reply) => {
    const by = requireActing(request);
    const act = actNamed(request.params.name);
    const visit = guard.visitOf(request);
    const { confirmed, ...given } = request.body;
    const show = (main: Html) =>
      reply.type("text/html").send(page(visit, { title: inWords(act.name), at: "/acts", main }));
    const perform = (dryRun: boolean) => operations.act(by, act.name, inputFrom(act.fields, given), { dryRun });
    try {
      const preview = await perform(true);
      const isAsShown = confirmed === String(preview.count);
      if (isAsShown) return show(donePage(act, await perform(false)));
      return show(previewPage(act, given, preview, visit.formToken, confirmed !== undefined));
    } catch (error) {
      if (!(error instanceof DomainError) || error.code === "SERVICE_UNAVAILABLE") throw error;
      reply.code(STATUS[error.code]);
      const fields = error.fields?.map(({ path, message }) => ` ${path}: ${message}.`).join("") ?? "";
      return show(askPage(act, given, visit.formToken, error.message + fields));
    }
  });
}
