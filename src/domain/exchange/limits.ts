/** Of one file. */
export const MAX_FILE_BYTES = 50 * 1024 * 1024;
/** Of one file; those that are refused count. */
export const MAX_QUESTIONS = 10_000;
/** Of one file. Far more than any file needs: pictures of a package are a note each. */
export const MAX_NOTES = 50_000;
/** Characters of one question, its marks and tags included. */
export const MAX_QUESTION_LENGTH = 1024 * 1024;
/** Elements within elements. */
export const MAX_XML_DEPTH = 100;

export const QUESTION_TOO_LONG = "The question is longer than 1 MB.";
