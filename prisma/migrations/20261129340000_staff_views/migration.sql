-- What staff looked at, by person: the only lines of the attempts' logs with an address and no log-in. For the export and the erasure of a member of staff.
CREATE INDEX "attempt_events_staff_views_idx" ON "attempt_events" ("actor_id", "id") WHERE "address" IS NOT NULL AND "session_id" IS NULL;
