/** Companies, with their contacts. */
import {
  Create,
  Datagrid,
  Edit,
  List,
  NumberField,
  Pagination,
  ReferenceManyField,
  required,
  SearchInput,
  SimpleForm,
  TextField,
  TextInput,
  UrlField,
} from "react-admin";
import { EditToolbar } from "./undo.tsx";

export function CompanyList() {
  return (
    <List
      filters={[<SearchInput key="q" source="q" alwaysOn />]}
      sort={{ field: "name", order: "ASC" }}
    >
      <Datagrid rowClick="edit">
        <TextField source="name" />
        <TextField source="sector" />
        <TextField source="city" />
        <UrlField source="website" />
        <NumberField source="nb_contacts" label="Contacts" />
        <NumberField source="nb_deals" label="Deals" />
      </Datagrid>
    </List>
  );
}

function CompanyInputs() {
  return (
    <>
      <TextInput source="name" validate={required()} />
      <TextInput source="website" type="url" />
      <TextInput source="sector" />
      <TextInput source="city" />
    </>
  );
}

export function CompanyEdit() {
  return (
    <Edit mutationMode="pessimistic">
      <SimpleForm toolbar={<EditToolbar />}>
        <CompanyInputs />
        <ReferenceManyField
          reference="contacts"
          target="company_id"
          sort={{ field: "last_name", order: "ASC" }}
          perPage={5}
          pagination={<Pagination />}
        >
          <Datagrid rowClick="edit" bulkActionButtons={false}>
            <TextField source="first_name" />
            <TextField source="last_name" />
          </Datagrid>
        </ReferenceManyField>
      </SimpleForm>
    </Edit>
  );
}

export function CompanyCreate() {
  return (
    <Create redirect="list">
      <SimpleForm>
        <CompanyInputs />
      </SimpleForm>
    </Create>
  );
}
