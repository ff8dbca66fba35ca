/** The released version, as `GET /health` and the OpenAPI document say it. */
export const VERSION = "0.1.0";
