/** Whom a request is from. */
import type { JWTPayload } from "./tokens.ts";

/** A member who sends a request, or for whom a job works. */
export interface Caller {
  /** `auth.users.id`, or the id of the member of an API key. */
  userId: string;
  /** The claims that are passed to Postgres: those of the verified token, or the key's own. */
  claims: JWTPayload;
  /** A job has none: it goes on with what a member has begun. */
  credential: "token" | "key" | "none";
  /** SHA-256 of the API key in hexadecimal. */
  keyHash?: string;
}
