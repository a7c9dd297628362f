// The shapes of answers: objects within objects, and the flat fields that a form posts.

/** Yield the name and text of each field: objects become dotted names, arrays and other values JSON. */
export function* flat(value, name = "") {
  if (value !== null && typeof value === "object" && !Array.isArray(value)) {
    for (const [key, part] of Object.entries(value)) yield* flat(part, name ? `${name}.${key}` : key);
  } else {
    yield [name, typeof value === "string" ? value : JSON.stringify(value) ?? ""];
  }
}

/** Add the parts to an answer: objects are joined, and several values of one name become an array. */
export function merge(into, parts) {
  for (const [name, value] of Object.entries(parts ?? {})) {
    if (value === undefined) continue;
    const there = into[name];
    if (there === undefined) into[name] = plain(value) ? merge(Object.create(null), value) : value;
    else if (plain(there) && plain(value)) merge(there, value);
    else into[name] = [].concat(there, value);
  }
  return into;
}

const plain = (value) => value !== null && typeof value === "object" && !Array.isArray(value);

/** Read one native control; null if it has no answer. */
export function native(control) {
  const { name, type, value } = control;
  if (type === "checkbox" || type === "radio") return { [name]: { [value]: control.checked } };
  if (type === "select-multiple") return { [name]: [...control.selectedOptions].map((each) => each.value) };
  if (type === "file") return control.files.length ? { [name]: [...control.files].map((each) => each.name) } : null;
  return value === "" ? null : { [name]: value };
}
