// Renders connectionSpecification of spec.json as a form: groups as cards, in their order, a secret as a password field,
// multiline as a text area. Optional fields wait behind "Optional fields", unless they are always to be shown. What the
// schema says is shown by @rjsf; this only arranges it as Airbyte's form does.
import React from "react";
import { createRoot } from "react-dom/client";
import Form from "@rjsf/mui";
import validator from "@rjsf/validator-ajv8";
import spec from "../../spec.json";

const schema = structuredClone(spec.connectionSpecification);
delete schema.$schema;

// The picture shows one choice of each kind.
const chosen = new URLSearchParams(location.hash.slice(1));
const data = JSON.parse(chosen.get("data") ?? "{}");

function uiOf(node) {
  const ui = {};
  if (node.properties) {
    const names = Object.keys(node.properties);
    ui["ui:order"] = names.sort((a, b) => node.properties[a].order - node.properties[b].order);
    for (const name of names) ui[name] = uiOf(node.properties[name]);
  }
  for (const option of node.oneOf ?? []) {
    for (const [name, field] of Object.entries(option.properties)) ui[name] = { ...ui[name], ...uiOf(field) };
  }
  if (node.oneOf) {
    // The constant that tells the options apart is shown as the title of the option.
    const [name] = Object.entries(node.oneOf[0].properties).find(([, field]) => "const" in field);
    node.discriminator = { propertyName: name };
    ui[name] = { "ui:widget": "hidden" };
  }
  if (node.items) ui.items = uiOf(node.items);
  if (node.airbyte_hidden) ui["ui:widget"] = "hidden";
  else if (node.multiline) { ui["ui:widget"] = "textarea"; ui["ui:options"] = { rows: 3 }; }
  else if (node.airbyte_secret) ui["ui:widget"] = "password";
  if (node.type instanceof Array) node.type = node.type[0];
  return ui;
}

function Fields({ names, title }) {
  const part = {
    type: "object",
    title,
    required: schema.required.filter((name) => names.includes(name)),
    properties: Object.fromEntries(names.map((name) => [name, structuredClone(schema.properties[name])])),
  };
  const ui = { ...uiOf(part), "ui:submitButtonOptions": { norender: true } };
  return <Form schema={part} uiSchema={ui} validator={validator} formData={data} omitExtraData liveOmit />;
}

function App() {
  const isShown = (name) => schema.required.includes(name) || schema.properties[name].always_show;
  return schema.groups.map((group) => {
    const fields = schema.properties;
    const names = Object.keys(fields).filter((name) => fields[name].group === group.id && !fields[name].airbyte_hidden);
    const [shown, optional] = [names.filter(isShown), names.filter((name) => !isShown(name))];
    return (
      <div key={group.id} className="card">
        {shown.length ? <Fields names={shown} title={group.title} /> : <h5>{group.title}</h5>}
        {optional.length > 0 && (
          <details open={chosen.has("open")}>
            <summary>Optional fields</summary>
            <Fields names={optional} />
          </details>
        )}
      </div>
    );
  });
}
createRoot(document.getElementById("root")).render(<App />);
