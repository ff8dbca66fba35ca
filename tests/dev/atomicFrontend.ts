/**
 * A browser with Atomic CRM, as the server sees it: its requests, header by header. Records go
 * through ra-data-postgrest, which calls PostgREST by `fetch`. Sign-in, files and functions go through
 * supabase-js.
 *
 *     const ada = await AtomicFrontend.signUp(stack, "ada@example.test");
 *     const contact = await ada.create("contacts", { first_name: "Grace" });
 *
 * Filters are written as on the wire: `{ status: "eq.hot" }`.
 * Source: https://github.com/raphiniert-com/ra-data-postgrest
 */
import { createClient, FunctionsHttpError, type SupabaseClient } from "@supabase/supabase-js";
import * as z from "zod";

/** Where the server is. */
export interface Server {
  apiUrl: string;
  publishableKey: string;
}

/** A record of any resource. */
// deno-lint-ignore no-explicit-any
export type Row = Record<string, any>;

/** What a list asks for: filters as on the wire, `field.asc` or `field.desc.nullslast`, a page. */
interface ListRequest {
  filter?: Record<string, string>;
  order?: string;
  offset?: number;
  limit?: number;
}

/** An answer that is no success, with the message that the user sees. */
export class RequestFailed extends Error {
  constructor(readonly status: number, message: string) {
    super(message);
  }
}

export const PASSWORD = "correct horse";
const OBJECT = "application/vnd.pgrst.object+json";
const REPRESENTATION = "return=representation";
/** Resources that have a view for lists and single records. */
const SUMMARIES = ["companies", "contacts"];

const identitySchema = z.object({
  id: z.int(),
  first_name: z.string(),
  last_name: z.string(),
  avatar: z.object({ src: z.string() }).nullable(),
  administrator: z.boolean(),
});
const errorSchema = z.object({ message: z.string() });
const rowSchema = z.record(z.string(), z.any());

/** The frontend of one user. */
export class AtomicFrontend {
  readonly supabase: SupabaseClient;
  readonly #server: Server;

  constructor(server: Server) {
    this.#server = server;
    const auth = { persistSession: false, autoRefreshToken: false, detectSessionInUrl: false };
    this.supabase = createClient(server.apiUrl, server.publishableKey, { auth });
  }

  /** Opens the frontend and signs a new user up. */
  static async signUp(server: Server, email: string): Promise<AtomicFrontend> {
    const frontend = new AtomicFrontend(server);
    const data = { first_name: "Ada", last_name: "Lovelace" };
    const signUp = { email, password: PASSWORD, options: { data } };
    const { error } = await frontend.supabase.auth.signUp(signUp);
    if (error) throw error;
    await frontend.signIn(email);
    return frontend;
  }

  async signIn(email: string, password = PASSWORD): Promise<void> {
    const { error } = await this.supabase.auth.signInWithPassword({ email, password });
    if (error) throw error;
  }

  /** Whether anybody has signed up: decides between the pages for sign-in and sign-up. */
  async isInitialized(): Promise<boolean> {
    const { data } = await this.supabase.from("init_state").select("is_initialized").throwOnError();
    return data.at(0)?.is_initialized > 0;
  }

  /** The member of the session, as every page asks for it. */
  async identity(): Promise<z.output<typeof identitySchema>> {
    const { data, error } = await this.supabase.auth.getUser();
    if (error) throw error;
    const { data: sale } = await this.supabase.from("sales")
      .select("id, first_name, last_name, avatar, administrator")
      .match({ user_id: data.user.id }).single().throwOnError();
    return identitySchema.parse(sale);
  }

  /** A page of a list with its total. */
  async getList(
    resource: string,
    request: ListRequest = {},
  ): Promise<{ data: Row[]; total: number }> {
    const { filter = {}, order = "id.desc.nullslast", offset = 0, limit = 25 } = request;
    const source = SUMMARIES.includes(resource) ? `${resource}_summary` : resource;
    const query = { offset: String(offset), limit: String(limit), ...filter, order };
    return await this.#list(source, query);
  }

  /** The records that refer to another one: from the table, never from its summary. */
  async getManyReference(resource: string, target: string, id: number, request: ListRequest = {}) {
    const { order = "id.desc.nullslast", offset = 0, limit = 25 } = request;
    const page = { offset: String(offset), limit: String(limit) };
    return await this.#list(resource, { [target]: `eq.${id}`, order, ...page });
  }

  /** One record. */
  async getOne(resource: string, id: number): Promise<Row> {
    const source = SUMMARIES.includes(resource) ? `${resource}_summary` : resource;
    const { body } = await this.#send("GET", source, { id: `eq.${id}` }, { Accept: OBJECT });
    return rowSchema.parse(body);
  }

  /** Records by their ids: from the table. */
  async getMany(resource: string, ids: number[]): Promise<Row[]> {
    return await this.#rows("GET", resource, { id: idFilter(ids) });
  }

  async create(resource: string, values: Row): Promise<Row> {
    return await this.#change("POST", resource, {}, values);
  }

  /** Sends the fields that differ from the record. Without any, it sends nothing. */
  async update(resource: string, record: Row, values: Row): Promise<Row> {
    const changes = Object.entries(values).filter(([name, value]) =>
      value !== undefined && JSON.stringify(record[name]) !== JSON.stringify(value)
    );
    if (changes.length === 0) return record;
    const id = { id: `eq.${record.id}` };
    return await this.#change("PATCH", resource, id, Object.fromEntries(changes));
  }

  async updateMany(resource: string, ids: number[], values: Row): Promise<Row[]> {
    return await this.#rows("PATCH", resource, { id: idFilter(ids) }, values);
  }

  async delete(resource: string, id: number): Promise<Row> {
    return await this.#change("DELETE", resource, { id: `eq.${id}` });
  }

  async deleteMany(resource: string, ids: number[]): Promise<Row[]> {
    return await this.#rows("DELETE", resource, { id: idFilter(ids) });
  }

  /** Calls a function of Atomic CRM. Throws with the message that its answer shows to the user. */
  async invoke(name: string, method: "POST" | "PATCH", body: Row): Promise<Row> {
    const { data, error } = await this.supabase.functions.invoke(name, { method, body });
    if (error instanceof FunctionsHttpError) {
      const { message } = errorSchema.parse(await error.context.json());
      throw new RequestFailed(error.context.status, message);
    }
    if (error) throw error;
    return rowSchema.parse(data);
  }

  /** Uploads a file and returns what a record keeps of it. */
  async upload(title: string, file: Blob): Promise<Row> {
    const files = this.supabase.storage.from("attachments");
    const path = `${Math.random()}.${title.split(".").pop()}`;
    const { error } = await files.upload(path, file);
    if (error) throw error;
    const src = files.getPublicUrl(path).data.publicUrl;
    return { src, title, path, type: file.type, rawFile: {} };
  }

  async #list(source: string, query: Record<string, string>) {
    const headers = { Accept: "application/json", Prefer: "count=exact" };
    const { response, body } = await this.#send("GET", source, query, headers);
    // The library throws without the header, and a browser hides it unless it is exposed.
    const exposed = response.headers.get("Access-Control-Expose-Headers") ?? "";
    const total = response.headers.get("Content-Range")?.split("/")[1];
    if (total === undefined || !/content-range/i.test(exposed)) throw new Error("No Content-Range");
    return { data: z.array(rowSchema).parse(body), total: Number(total) };
  }

  async #change(method: string, resource: string, query: Record<string, string>, values?: Row) {
    const headers = { Accept: OBJECT, Prefer: REPRESENTATION };
    const { body } = await this.#send(method, resource, query, headers, values);
    return rowSchema.parse(body);
  }

  async #rows(method: string, resource: string, query: Record<string, string>, values?: Row) {
    const headers: HeadersInit = method === "GET" ? {} : { Prefer: REPRESENTATION };
    const { body } = await this.#send(method, resource, query, headers, values);
    return z.array(rowSchema).parse(body);
  }

  async #send(
    method: string,
    resource: string,
    query: Record<string, string>,
    init: HeadersInit,
    values?: Row,
  ) {
    const { apiUrl, publishableKey } = this.#server;
    const headers = new Headers(init);
    headers.set("apikey", publishableKey);
    headers.set("Origin", "http://localhost:5173");
    const { data } = await this.supabase.auth.getSession();
    if (data.session) headers.set("Authorization", `Bearer ${data.session.access_token}`);
    if (values) headers.set("Content-Type", "application/json");
    const url = `${apiUrl}/rest/v1/${resource}?${new URLSearchParams(query)}`;
    const response = await fetch(url, { method, headers, body: values && JSON.stringify(values) });
    const body: unknown = await response.json();
    if (!response.ok) throw new RequestFailed(response.status, errorSchema.parse(body).message);
    return { response, body };
  }
}

function idFilter(ids: number[]): string {
  return ids.length === 1 ? `eq.${ids[0]}` : `in.(${ids.join(",")})`;
}
