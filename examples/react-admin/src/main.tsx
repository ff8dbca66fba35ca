/** Contacts, companies and deals of a workspace. */
import { createRoot } from "react-dom/client";
import { Admin, Resource } from "react-admin";
import { CompanyCreate, CompanyEdit, CompanyList } from "./companies.tsx";
import { ContactCreate, ContactEdit, ContactList } from "./contacts.tsx";
import { DealCreate, DealEdit, DealList } from "./deals.tsx";
import { authProvider, dataProvider } from "./providers.tsx";

const root = document.getElementById("root");
if (!root) throw new Error("index.html has no element with the id root");

createRoot(root).render(
  <Admin title="Portico" dataProvider={dataProvider} authProvider={authProvider} disableTelemetry>
    <Resource
      name="contacts"
      list={ContactList}
      edit={ContactEdit}
      create={ContactCreate}
      recordRepresentation={({ first_name, last_name }) => `${first_name ?? ""} ${last_name ?? ""}`}
    />
    <Resource
      name="companies"
      list={CompanyList}
      edit={CompanyEdit}
      create={CompanyCreate}
      recordRepresentation="name"
    />
    <Resource
      name="deals"
      list={DealList}
      edit={DealEdit}
      create={DealCreate}
      recordRepresentation="name"
    />
  </Admin>,
);
