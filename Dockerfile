# One image for all programs: `node dist/server.js` unless told otherwise, `dist/worker.js`, `dist/queueMonitor.js`,
# `dist/prisma/migrate.js`, `dist/prisma/seed.js`.
FROM node:24-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
# No script of a package is needed: what PostgreSQL, Prisma and the tests want from theirs stays on developers' machines.
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY . .
RUN npm run generate && npm run build

FROM node:24-bookworm-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund
# Prisma's client names its command line as a peer, which npm then installs: half of the tree, and no program uses it.
RUN cd node_modules && rm -rf prisma typescript @typescript effect @electric-sql react-dom elkjs @visx remeda mysql2 \
    @prisma/dev @prisma/studio-core @prisma/engines @prisma/engines-version @prisma/fetch-engine @prisma/get-platform \
    @prisma/query-plan-executor @prisma/streams-local
COPY --from=build /app/dist ./dist
# Fails the build if one of them was needed after all.
RUN node --input-type=module -e "for (const part of ['src/program', 'src/apollo/index', 'src/workers/allWorkers', \
    'src/monitor/snapshot', 'src/monitor/web/serve', 'prisma/seed', 'prisma/migrate']) await import('/app/dist/' + part + '.js'); \
    (await import('/app/dist/src/mails/mailTemplates.js')).createMailTemplates(); process.exit(0)"

FROM node:24-bookworm-slim
ENV NODE_ENV=production
# Only the worker starts it; one image for all programs is worth more than its size.
RUN apt-get update && apt-get install -y --no-install-recommends ffmpeg && rm -rf /var/lib/apt/lists/*
WORKDIR /app
COPY --from=dependencies /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY package.json LICENSE ./
# Where docker-compose.yml keeps the keys; a volume takes over the owner of the folder it covers.
RUN mkdir /keys /files && chown node:node /keys /files
USER node
EXPOSE 4000 4001 4002
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT || 4000}/healthz`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "dist/server.js"]
