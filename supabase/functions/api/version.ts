/** The released version. `GET /health` and the OpenAPI document show it. */
export const VERSION = "0.1.0";
