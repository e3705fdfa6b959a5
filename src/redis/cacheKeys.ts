/** Every key of the cache is built here. What is private to one user carries that user's or that attempt's id. */
export const CACHE_KEYS = {
  EXAM: (examId: string) => `exam:${examId}`,
  EXAM_QUESTIONS: (examId: string) => `exam:${examId}:questions`,
  EXAM_ADDRESSES: (examId: string) => `exam:${examId}:addresses`,
  COURSE: (courseId: string) => `course:${courseId}`,
  COURSE_CONTENTS: (courseId: string) => `course:${courseId}:contents`,
  LESSON: (lessonId: string) => `lesson:${lessonId}`,
  VIDEO: (videoId: string) => `video:${videoId}`,
  VIDEO_CAPTIONS: (videoId: string) => `video:${videoId}:captions`,
  USER_PROFILE: (userId: string) => `user:${userId}:profile`,
  USER_ENROLLMENTS: (userId: string) => `user:${userId}:enrollments`,
  ATTEMPT_PAPER: (attemptId: string) => `attempt:${attemptId}:paper`,
} as const;
