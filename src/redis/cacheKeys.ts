/** Every key of the cache is built here. What is private to one user carries that user's or that attempt's id. */
export const CACHE_KEYS = {
  EXAM: (examId: string) => `exam:${examId}`,
  EXAM_QUESTIONS: (examId: string) => `exam:${examId}:questions`,
  EXAM_RESULTS: (examId: string) => `exam:${examId}:results`,
  QUESTION: (questionId: string) => `question:${questionId}`,
  COURSE: (courseId: string) => `course:${courseId}`,
  USER_PROFILE: (userId: string) => `user:${userId}:profile`,
  USER_ENROLLMENTS: (userId: string) => `user:${userId}:enrollments`,
  ATTEMPT_PAPER: (attemptId: string) => `attempt:${attemptId}:paper`,
} as const;

/** Names for everything that was built from one thing, so that a write to it drops them together. */
export const CACHE_TAGS = {
  EXAM: (examId: string) => `exam:${examId}`,
  COURSE: (courseId: string) => `course:${courseId}`,
  QUESTION: (questionId: string) => `question:${questionId}`,
  USER: (userId: string) => `user:${userId}`,
} as const;
