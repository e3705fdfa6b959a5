import type { UserRole } from "../src/generated/prisma/enums.ts";

export interface DemoLogin {
  role: UserRole;
  email: string;
  name: string;
  password: string;
}

const STUDENTS = 20;
const PASSWORD = "exam-morning";

/** The people of the demo school; the students are `student1@…` to `student20@…`, all with the same password. */
export const DEMO_LOGINS: DemoLogin[] = [
  { role: "ADMIN", email: "admin@lectern.example", name: "Ada Admin", password: PASSWORD },
  { role: "INSTRUCTOR", email: "teacher@lectern.example", name: "Tom Teacher", password: PASSWORD },
  ...Array.from({ length: STUDENTS }, (_, index) => ({
    role: "STUDENT" as const,
    email: `student${index + 1}@lectern.example`,
    name: `Student ${index + 1}`,
    password: PASSWORD,
  })),
];
