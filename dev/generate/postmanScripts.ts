/** The scripts of the Postman collection, which Postman and newman run in their sandbox. */

/** Before each request: gets a new token when the present one is about to expire. */
export const BEFORE_EACH = `\
const value = (name) => pm.environment.get(name);
const expires = Number(value("expires_at"));
if (expires > 0 && expires < Date.now() / 1000 + 30 && pm.info.requestName !== "Sign in") {
  pm.sendRequest({
    url: value("project_url") + "/auth/v1/token?grant_type=refresh_token",
    method: "POST",
    header: { apikey: value("publishable_key"), "Content-Type": "application/json" },
    body: { mode: "raw", raw: JSON.stringify({ refresh_token: value("refresh_token") }) },
  }, (error, response) => {
    if (error || response.code !== 200) return;
    for (const name of ["access_token", "refresh_token", "expires_at"]) {
      pm.environment.set(name, response.json()[name]);
    }
  });
}`;

/** After each request: it has succeeded, and the id of what it created is kept. */
export const AFTER_EACH = `\
pm.test("is a success", () => pm.expect(pm.response.code).to.be.within(200, 299));
const change = pm.response.headers.get("Portico-Change");
if (change) pm.environment.set("change_id", change);
if (pm.response.code === 201) {
  const resource = pm.request.url.path.slice(-1)[0];
  const singular = { companies: "company", users: "invited_user" }[resource] ||
    resource.replace(/s$/, "");
  const { id, path } = pm.response.json();
  pm.environment.set(singular + "_id", id);
  if (path) pm.environment.set("attachment_path", path);
}`;

/** After a sign-in: its tokens are kept. */
export const AFTER_SIGN_IN = `\
for (const name of ["access_token", "refresh_token", "expires_at"]) {
  pm.environment.set(name, pm.response.json()[name]);
}`;

/** Sends a request to the API. \`then\` gets the body of its answer. */
const SEND = `\
const send = (method, path, body, then) => pm.sendRequest({
  url: pm.environment.get("project_url") + "/functions/v1/api" + path,
  method,
  header: {
    Authorization: "Bearer " + pm.environment.get("access_token"),
    "Content-Type": "application/json",
  },
  body: { mode: "raw", raw: body ? JSON.stringify(body) : "" },
}, (error, response) => then(response.code === 204 ? undefined : response.json()));
`;

const ANOTHER_CONTACT = `${SEND}
send("POST", "/contacts", { first_name: "Grace" }, ({ id }) => {
  pm.environment.set("other_contact_id", id);
});`;

const ANOTHER_COMPANY = `${SEND}
send("POST", "/companies", { name: "Engines" }, ({ id }) => {
  pm.environment.set("other_company_id", id);
});`;

const ANOTHER_TAG = `${SEND}
send("POST", "/tags", { name: "Tag " + Date.now(), color: "#eddcd2" }, ({ id }) => {
  pm.environment.set("other_tag_id", id);
});`;

/** A deleted tag, as an item of the trash. */
const TRASH_ITEM = `${SEND}
send("POST", "/tags", { name: "Old " + Date.now(), color: "#eddcd2" }, ({ id }) => {
  send("DELETE", "/tags/" + id, undefined, () => {
    send("GET", "/trash?table_name=tags&limit=1", undefined, ({ data }) => {
      pm.environment.set("trash_id", data[0].id);
    });
  });
});`;

/** An import that has not run. */
const NEW_IMPORT = `${SEND}
const file = { file_name: "Contacts.csv", content: "First name\\r\\nAda\\r\\n" };
send("POST", "/imports", { record_type: "contacts", ...file }, ({ id }) => {
  pm.environment.set("import_id", id);
});`;

const UPLOADED_FILE = `${SEND}
const file = { file_name: "Offer.txt", content_type: "text/plain", size: 5 };
send("POST", "/attachments", file, ({ path, upload_url }) => {
  pm.environment.set("attachment_path", path);
  pm.sendRequest({
    url: upload_url,
    method: "PUT",
    header: { "Content-Type": "text/plain" },
    body: { mode: "raw", raw: "offer" },
  }, () => {});
});`;

/** Id of an operation → the script that makes what its example needs. */
export const PREPARATIONS: Record<string, string> = {
  "contacts.merge": ANOTHER_CONTACT,
  "contacts.dismiss_duplicate": ANOTHER_CONTACT,
  "atomic.merge_contacts": ANOTHER_CONTACT,
  "companies.merge": ANOTHER_COMPANY,
  "companies.dismiss_duplicate": ANOTHER_COMPANY,
  "tags.merge": ANOTHER_TAG,
  "trash.get": TRASH_ITEM,
  "trash.restore": TRASH_ITEM,
  "trash.purge": TRASH_ITEM,
  "imports.cancel": NEW_IMPORT,
  "imports.delete": NEW_IMPORT,
  "attachments.url": UPLOADED_FILE,
};
