/** Contacts. */
import {
  ArrayInput,
  Create,
  Datagrid,
  DateField,
  DateInput,
  Edit,
  List,
  ReferenceField,
  ReferenceInput,
  SearchInput,
  SelectArrayInput,
  SelectInput,
  SimpleForm,
  SimpleFormIterator,
  TextField,
  TextInput,
} from "react-admin";
import { EditToolbar } from "./undo.tsx";

const STATUSES = ["cold", "warm", "hot", "in-contract"].map((id) => ({ id, name: id }));

const EMAIL_TYPES = ["Work", "Home", "Other"].map((id) => ({ id, name: id }));

const filters = [
  <SearchInput key="q" source="q" alwaysOn />,
  <SelectArrayInput key="status" source="status" choices={STATUSES} />,
  <DateInput key="seen" source="last_seen@gte" label="Last seen since" />,
  <ReferenceInput key="company" source="company_id" reference="companies" />,
];

export function ContactList() {
  return (
    <List filters={filters} sort={{ field: "last_name", order: "ASC" }} perPage={10}>
      <Datagrid rowClick="edit">
        <TextField source="first_name" />
        <TextField source="last_name" />
        <TextField source="title" />
        <ReferenceField source="company_id" reference="companies" />
        <TextField source="status" />
        <DateField source="last_seen" />
      </Datagrid>
    </List>
  );
}

function ContactInputs() {
  return (
    <>
      <TextInput source="first_name" />
      <TextInput source="last_name" />
      <TextInput source="title" />
      <ReferenceInput source="company_id" reference="companies" />
      <SelectInput source="status" choices={STATUSES} />
      <ArrayInput source="email_jsonb" label="E-mail addresses">
        <SimpleFormIterator inline disableReordering>
          <TextInput source="email" />
          <SelectInput source="type" choices={EMAIL_TYPES} defaultValue="Work" />
        </SimpleFormIterator>
      </ArrayInput>
      <TextInput source="background" multiline />
    </>
  );
}

export function ContactEdit() {
  return (
    <Edit mutationMode="pessimistic">
      <SimpleForm toolbar={<EditToolbar />}>
        <ContactInputs />
      </SimpleForm>
    </Edit>
  );
}

export function ContactCreate() {
  return (
    <Create redirect="list">
      <SimpleForm>
        <ContactInputs />
      </SimpleForm>
    </Create>
  );
}
